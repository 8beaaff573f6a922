// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

/// What a tenant's client needs of HTTP: `HTTPClient`, or a script in tests.
package protocol CognigyTransport: Sendable {
    /// Makes a request and returns the whole answer, following no redirect.
    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse
    /// Makes a request, follows redirects, and returns once the head of the answer is there.
    func openBody(_ request: HTTPRequest, redirects: RedirectPolicy) async throws(HTTPError) -> any ArtifactBody
}

/// The body of a download with its head, read as it is asked for: `HTTPDownload`, or a script in tests.
package protocol ArtifactBody: Sendable {
    /// The status of the last answer, after redirects.
    var status: Int { get }
    var headers: HTTPHeaders { get }
    /// The URL that answered, after redirects; its query may be secret.
    var url: String { get }
    /// The announced length in bytes, nil when there is none.
    var contentLength: Int? { get }
    /// Appends to the buffer until it is full or the body ends; returns the bytes added, 0 at the end of the body.
    func fill(_ buffer: TransferBuffer) async throws(HTTPError) -> Int
    /// Reads the whole body; `tooLarge` when it has more than `maximum` bytes.
    func readAll(maximum: Int) async throws(HTTPError) -> [UInt8]
    /// Drops the rest of the body and the connection.
    func cancel()
}

extension HTTPDownload: ArtifactBody {}

extension HTTPClient: CognigyTransport {
    package func openBody(
        _ request: HTTPRequest, redirects: RedirectPolicy
    ) async throws(HTTPError) -> any ArtifactBody {
        try await open(request, redirects: redirects)
    }
}
