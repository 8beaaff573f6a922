// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import Glibc

/// Owns a `CURLM` handle: the connections kept and the transfers under way. Used on the loop's thread only, but for
/// `wake()`, which libcurl allows on any.
@safe
final class MultiHandle: @unchecked Sendable {
    private var raw: UnsafeMutableRawPointer
    private let maximumConnections: Int

    /// libcurl's global state, set up once for the process; also makes a write to a closed connection an error
    /// instead of a signal, since `CURLOPT_NOSIGNAL` leaves that to us.
    private static let isReady: Bool = {
        _ = signal(SIGPIPE, SIG_IGN)
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()

    init?(maximumConnections: Int) {
        guard let raw = unsafe Self.make(maximumConnections) else { return nil }
        unsafe self.raw = raw
        self.maximumConnections = maximumConnections
    }

    private static func make(_ maximumConnections: Int) -> UnsafeMutableRawPointer? {
        guard isReady, let raw = unsafe curl_multi_init() else { return nil }
        // Our gate admits no more than this; kept connections are closed to make room, oldest first.
        _ = unsafe ccurl_multi_set_long(raw, CURLMOPT_MAX_TOTAL_CONNECTIONS, maximumConnections)
        _ = unsafe ccurl_multi_set_long(raw, CURLMOPT_MAXCONNECTS, maximumConnections)
        _ = unsafe ccurl_multi_set_long(raw, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        return unsafe raw
    }

    /// Closes every kept connection, by starting afresh. Only with no transfer under way and nobody calling `wake()`.
    func renew() {
        guard let fresh = unsafe Self.make(maximumConnections) else { return }
        _ = unsafe curl_multi_cleanup(raw)
        unsafe raw = fresh
    }

    deinit { unsafe curl_multi_cleanup(raw) }

    func add(_ easy: EasyHandle) -> CURLMcode { unsafe curl_multi_add_handle(raw, easy.raw) }

    func remove(_ easy: EasyHandle) { _ = unsafe curl_multi_remove_handle(raw, easy.raw) }

    /// Moves every transfer as far as it goes without waiting.
    func perform() {
        var running: Int32 = 0
        _ = unsafe curl_multi_perform(raw, &running)
    }

    /// The next transfer that has ended since, and how.
    func nextFinished() -> (transfer: Transfer, result: CURLcode)? {
        var code = CURLE_OK
        while let easy = unsafe ccurl_next_finished(raw, &code) {
            if let transfer = unsafe EasyHandle.transfer(of: easy) { return (transfer, code) }
        }
        return nil
    }

    /// Waits until something can be done, `wake()` is called, or the time is over.
    func wait(milliseconds: Int32) {
        _ = unsafe curl_multi_poll(raw, nil, 0, milliseconds, nil)
    }

    func wake() { _ = unsafe curl_multi_wakeup(raw) }
}
