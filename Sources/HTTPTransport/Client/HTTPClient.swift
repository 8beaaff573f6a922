// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import Logging

/// An HTTP/1.1 client over one libcurl multi handle on a thread of its own.
///
/// Make one per process and share it: connections are kept per origin. Cancelling the task that waits for a call
/// cancels the transfer. A request on a kept connection that the server closed in the meantime, before any byte of an
/// answer, is made again by libcurl itself on a new connection, whatever its method: give requests that must not
/// happen twice an idempotency key.
///
/// The usual proxy variables (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`) are read once, when the client is
/// made. See `AddressPolicy` for what a proxy means to the address check: then only the target as written is checked.
///
/// Making a client ignores `SIGPIPE` for the whole process.
package final class HTTPClient: Sendable {
    private let configuration: HTTPClientConfiguration
    private let proxies: ProxyEnvironment
    /// `nil` when libcurl or the thread could not be set up; every call then fails.
    private let loop: TransferLoop?

    /// Starts the client's thread. A failure to do so shows as `internal` in every call.
    package convenience init(configuration: HTTPClientConfiguration = HTTPClientConfiguration(), logger: Logger) {
        self.init(configuration: configuration, proxies: .current(), logger: logger)
    }

    /// The same with other proxies than the environment's.
    init(configuration: HTTPClientConfiguration, proxies: ProxyEnvironment, logger: Logger) {
        self.configuration = configuration
        self.proxies = proxies
        guard let multi = MultiHandle(maximumConnections: configuration.maximumConnections) else {
            logger.error("libcurl could not be set up")
            loop = nil
            return
        }
        let loop = TransferLoop(multi: multi, configuration: configuration, logger: logger)
        guard LoopThread.start(loop) else {
            logger.error("the thread of the HTTP client could not be started")
            self.loop = nil
            return
        }
        self.loop = loop
    }

    /// Only signals; the thread cleans up by itself.
    deinit { _ = loop?.mailbox.post(.stop) }

    /// Makes a request and returns the whole answer; a 3xx is an answer, no redirect is followed.
    ///
    /// A body over `maximumResponseBytes` is `tooLarge`. `timeouts.response` bounds the whole once a connection slot is
    /// free; a body of 1 MiB or more is also watched by `timeouts.stall` while it is sent.
    package func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let (loop, transfer) = try prepare(request, isStreamed: false)
        return try await loop.exchange(transfer).get()
    }

    /// Makes a request, follows redirects by `redirects`, and returns once the head of the answer is there.
    ///
    /// Errors besides those of the transfer: `redirectRefused`. Only GET and HEAD are followed; for other methods, and
    /// for a 3xx without `Location`, the 3xx is the answer. The download has to be read to its end or cancelled
    /// (letting go of it cancels it).
    package func open(
        _ request: HTTPRequest, redirects: RedirectPolicy = RedirectPolicy()
    ) async throws(HTTPError) -> HTTPDownload {
        var route = RedirectRoute(request: request, policy: redirects)
        while true {
            let (loop, transfer) = try prepare(route.request, isStreamed: true)
            let head = try await loop.open(transfer).get()
            let download = HTTPDownload(loop: loop, transfer: transfer, head: head)
            guard try route.follow(head, from: transfer.plan.url) else { return download }
            download.cancel()
        }
    }

    /// Makes the client's thread turn once.
    package func ping() { loop?.mailbox.ping() }

    /// How often the client's thread has turned; nil when it has ended. After a `ping` the number changes soon, or the
    /// thread hangs.
    package var turns: UInt64? {
        guard let loop, !loop.ending.isOver else { return nil }
        return loop.turns
    }

    /// Cancels what is under way (`shutDown`), closes every connection and returns when the thread is done with
    /// libcurl.
    package func shutdown() async {
        guard let loop else { return }
        _ = loop.mailbox.post(.stop)
        await loop.ending.wait()
    }

    private func prepare(
        _ request: HTTPRequest, isStreamed: Bool
    ) throws(HTTPError) -> (TransferLoop, Transfer) {
        guard let loop else {
            throw HTTPError(code: .internal, message: "the HTTP client could not be set up; see the log at start")
        }
        let plan = try RequestPlan(request, isStreamed: isStreamed, configuration: configuration, proxies: proxies)
        return (loop, Transfer(plan))
    }
}
