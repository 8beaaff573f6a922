// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import Glibc

/// Owns a `CURLM` handle: the connections kept and the transfers under way. Used on the loop's thread only, but for
/// `wake()`, which any may call.
///
/// Sockets are watched by epoll, as libcurl asks for it, and libcurl is told of each that is ready: what an event costs
/// does not depend on how many others are under way. (`curl_multi_perform` and `curl_multi_poll` look at all of them.)
@safe
final class MultiHandle: @unchecked Sendable {
    private var raw: UnsafeMutableRawPointer
    private let maximumConnections: Int
    private let epoll: Int32
    private let wakeup: Int32
    /// What the last wait brought, and how much of it.
    private let events: UnsafeMutablePointer<epoll_event>
    private var eventCount: Int32 = 0

    /// The most events taken at a time; those left come with the next wait.
    private static let eventCapacity: Int32 = 64

    /// libcurl's global state, set up once for the process; also makes a write to a closed connection an error
    /// instead of a signal, since `CURLOPT_NOSIGNAL` leaves that to us.
    private static let isReady: Bool = {
        _ = signal(SIGPIPE, SIG_IGN)
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()

    init?(maximumConnections: Int) {
        var wakeup: Int32 = -1
        let epoll = unsafe ccurl_epoll_create(&wakeup)
        guard epoll >= 0 else { return nil }
        guard let raw = unsafe Self.make(maximumConnections, epoll) else {
            close(epoll)
            close(wakeup)
            return nil
        }
        unsafe self.raw = raw
        self.maximumConnections = maximumConnections
        self.epoll = epoll
        self.wakeup = wakeup
        unsafe events = .allocate(capacity: Int(Self.eventCapacity))
    }

    private static func make(_ maximumConnections: Int, _ epoll: Int32) -> UnsafeMutableRawPointer? {
        guard isReady, let raw = unsafe curl_multi_init() else { return nil }
        // Our gate admits no more than this; kept connections are closed to make room, oldest first.
        _ = unsafe ccurl_multi_set_long(raw, CURLMOPT_MAX_TOTAL_CONNECTIONS, maximumConnections)
        _ = unsafe ccurl_multi_set_long(raw, CURLMOPT_MAXCONNECTS, maximumConnections)
        _ = unsafe ccurl_multi_set_long(raw, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        guard unsafe ccurl_multi_watch_sockets(raw, epoll) == CURLM_OK else {
            _ = unsafe curl_multi_cleanup(raw)
            return nil
        }
        return unsafe raw
    }

    /// Closes every kept connection, by starting afresh. Only with no transfer under way.
    func renew() {
        guard let fresh = unsafe Self.make(maximumConnections, epoll) else { return }
        _ = unsafe curl_multi_cleanup(raw)
        unsafe raw = fresh
    }

    deinit {
        unsafe curl_multi_cleanup(raw)
        close(epoll)
        close(wakeup)
        unsafe events.deallocate()
    }

    func add(_ easy: EasyHandle) -> CURLMcode { unsafe curl_multi_add_handle(raw, easy.raw) }

    func remove(_ easy: EasyHandle) { _ = unsafe curl_multi_remove_handle(raw, easy.raw) }

    /// Moves the transfers whose sockets the last wait found ready, and does what is due by libcurl's own clock:
    /// transfers that were added, resumed or have waited long enough.
    func perform() {
        for index in 0..<Int(eventCount) { unsafe ccurl_multi_take(raw, events + index, wakeup) }
        eventCount = 0
        guard timeout == 0 else { return }
        var running: Int32 = 0
        _ = unsafe curl_multi_socket_action(raw, CURL_SOCKET_TIMEOUT, 0, &running)
    }

    /// Milliseconds until libcurl wants to be called again; nil while it waits for sockets alone.
    ///
    /// Asked for instead of listened for (`CURLMOPT_TIMERFUNCTION`): a timer that goes off early would not be set again.
    private var timeout: Int? {
        var milliseconds = -1
        _ = unsafe curl_multi_timeout(raw, &milliseconds)
        return milliseconds < 0 ? nil : milliseconds
    }

    /// The next transfer that has ended since, and how.
    func nextFinished() -> (transfer: Transfer, result: CURLcode)? {
        var code = CURLE_OK
        while let easy = unsafe ccurl_next_finished(raw, &code) {
            if let transfer = unsafe EasyHandle.transfer(of: easy) { return (transfer, code) }
        }
        return nil
    }

    /// Waits until sockets are ready, `wake()` is called, or the time is over.
    func wait(milliseconds: Int32) {
        let limit = min(Int(milliseconds), timeout ?? .max)
        eventCount = unsafe ccurl_epoll_wait(epoll, events, Self.eventCapacity, Int32(limit))
    }

    func wake() { ccurl_wake(wakeup) }
}
