// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

/// What the client needs of HTTP: the seam at which tests answer instead of a server.
package protocol S3Transport: Sendable {
    /// Makes a request and returns the whole answer; follows no redirect.
    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse
    /// Makes a request and returns once the head of the answer is there; follows no redirect.
    func openBody(_ request: HTTPRequest) async throws(HTTPError) -> any S3Body
}

/// An answer whose body is read as it is asked for.
package protocol S3Body: Sendable {
    var status: Int { get }
    var headers: HTTPHeaders { get }
    /// Appends to the buffer until it is full or the body ends; 0 at the end.
    func fill(_ buffer: TransferBuffer) async throws(HTTPError) -> Int
    /// Reads the rest; `tooLarge` beyond `maximum` bytes.
    func readAll(maximum: Int) async throws(HTTPError) -> [UInt8]
    /// Drops the rest.
    func cancel()
}

extension HTTPDownload: S3Body {}

extension HTTPClient: S3Transport {
    package func openBody(_ request: HTTPRequest) async throws(HTTPError) -> any S3Body {
        try await open(request, redirects: RedirectPolicy(maximum: 0))
    }
}
