// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import Glibc

/// Monotonic nanoseconds, read once for each turn of the loop; the loop's thread only.
final class LoopClock {
    private(set) var now: UInt64 = 0

    init() { advance() }

    func advance() {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        now = UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// Owns a `CURL` handle with its error buffer and header list. Used on the loop's thread only.
@safe
final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    /// The loop's time, for the callbacks.
    let clock: LoopClock
    /// The first option that libcurl refused.
    private(set) var refusal: CURLcode = CURLE_OK
    private let errorText: UnsafeMutablePointer<CChar>
    private var lines: UnsafeMutablePointer<curl_slist>?
    private var context: Unmanaged<Transfer>?

    init?(clock: LoopClock) {
        guard let raw = unsafe curl_easy_init() else { return nil }
        unsafe self.raw = raw
        self.clock = clock
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        unsafe context?.release()
        unsafe curl_easy_cleanup(raw)
        unsafe curl_slist_free_all(lines)
        unsafe errorText.deallocate()
    }

    /// Makes the transfer every callback's context and retains it: +1, given back by `detach` (or `deinit`).
    func attach(_ transfer: Transfer) {
        let context = unsafe Unmanaged.passRetained(transfer)
        unsafe self.context = context
        unsafe errorText[0] = 0
        let pointer = unsafe context.toOpaque()
        unsafe set(CURLOPT_PRIVATE, pointer: pointer)
        unsafe set(CURLOPT_ERRORBUFFER, pointer: errorText)
        unsafe set(CURLOPT_HEADERDATA, pointer: pointer)
        unsafe set(CURLOPT_WRITEDATA, pointer: pointer)
        unsafe set(CURLOPT_READDATA, pointer: pointer)
        unsafe set(CURLOPT_SEEKDATA, pointer: pointer)
        unsafe set(CURLOPT_PREREQDATA, pointer: pointer)
        unsafe set(CURLOPT_OPENSOCKETDATA, pointer: pointer)
    }

    /// Wipes every option, so that nothing of one request reaches the next (CVE-2022-32221), and releases the
    /// transfer: -1. Only after the handle has left the multi handle.
    func detach() {
        unsafe curl_easy_reset(raw)
        unsafe curl_slist_free_all(lines)
        unsafe lines = nil
        unsafe context?.release()
        unsafe context = nil
        refusal = CURLE_OK
    }

    /// What libcurl wrote about its last failure.
    var message: String { unsafe String(cString: errorText) }

    /// The transfer a raw handle was attached to.
    static func transfer(of raw: UnsafeMutableRawPointer) -> Transfer? {
        guard let context = unsafe ccurl_get_private(raw) else { return nil }
        return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    /// Lets a paused transfer go on; callbacks are called before this returns.
    func resume() -> CURLcode { unsafe curl_easy_pause(raw, CURLPAUSE_CONT) }

    /// How many bytes of the request's body have gone to the socket.
    var sentBytes: Int64 {
        var value: curl_off_t = 0
        _ = unsafe ccurl_get_offset(raw, CURLINFO_SIZE_UPLOAD_T, &value)
        return Int64(value)
    }
}

extension EasyHandle {
    private func note(_ code: CURLcode) {
        if code != CURLE_OK, refusal == CURLE_OK { refusal = code }
    }

    func set(_ option: CURLoption, _ value: Int) { note(unsafe ccurl_set_long(raw, option, value)) }

    func set(_ option: CURLoption, offset: Int) { note(unsafe ccurl_set_offset(raw, option, curl_off_t(offset))) }

    func set(_ option: CURLoption, _ value: String) { note(unsafe ccurl_set_string(raw, option, value)) }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) {
        note(unsafe ccurl_set_pointer(raw, option, pointer))
    }

    func set(_ option: CURLoption, function: curl_write_callback?) {
        note(unsafe ccurl_set_data_function(raw, option, function))
    }

    func setSeekFunction() { note(unsafe ccurl_set_seek_function(raw, CurlCallbacks.seek)) }

    func setConnectionChecks(isRestricted: Bool) {
        note(unsafe ccurl_set_before_request_function(raw, CurlCallbacks.beforeRequest))
        if isRestricted { note(unsafe ccurl_set_open_socket_function(raw, CurlCallbacks.openSocket)) }
    }

    /// Hands libcurl the header lines; the handle owns the list.
    func setHeaders(_ texts: [String]) {
        for text in texts {
            guard let longer = unsafe curl_slist_append(lines, text) else { return note(CURLE_OUT_OF_MEMORY) }
            unsafe lines = longer
        }
        note(unsafe ccurl_set_list(raw, CURLOPT_HTTPHEADER, lines))
    }
}
