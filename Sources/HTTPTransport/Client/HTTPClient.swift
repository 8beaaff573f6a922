// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import Logging

/// An HTTP/1.1 client over one libcurl multi handle on a thread of its own.
package final class HTTPClient: Sendable {
    /// Starts the client's thread.
    package init(configuration: HTTPClientConfiguration = HTTPClientConfiguration(), logger: Logger) {}

    /// Makes a request and returns the whole answer; a 3xx is an answer, no redirect is followed.
    package func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        throw HTTPError(code: .internal, message: "not built yet")
    }

    /// Makes a request, follows redirects by `redirects`, and returns once the head of the answer is there.
    package func open(
        _ request: HTTPRequest, redirects: RedirectPolicy = RedirectPolicy()
    ) async throws(HTTPError) -> HTTPDownload {
        throw HTTPError(code: .internal, message: "not built yet")
    }

    /// Cancels what is under way, closes every connection and returns when the thread is done with libcurl.
    package func shutdown() async {}
}
