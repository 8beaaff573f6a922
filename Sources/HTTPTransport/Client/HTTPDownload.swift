// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The answer to `open`: a head, and a body that is read as it is asked for.
package final class HTTPDownload: Sendable {
    /// The status of the last answer, after redirects.
    package let status: Int
    package let headers: HTTPHeaders
    /// The URL that answered, after redirects; its query may be secret.
    package let url: String
    /// The announced length of the body in bytes, `nil` when there is none or it is sent in chunks.
    package let contentLength: Int?

    init(status: Int, headers: HTTPHeaders, url: String, contentLength: Int?) {
        self.status = status
        self.headers = headers
        self.url = url
        self.contentLength = contentLength
    }

    /// Appends to the buffer until it is full or the body ends; returns the bytes added, 0 at the end of the body.
    package func fill(_ buffer: TransferBuffer) async throws(HTTPError) -> Int {
        throw HTTPError(code: .internal, message: "not built yet")
    }

    /// Reads the whole body; `tooLarge` when it has more than `maximum` bytes.
    package func readAll(maximum: Int) async throws(HTTPError) -> [UInt8] {
        throw HTTPError(code: .internal, message: "not built yet")
    }

    /// Drops the rest of the body and the connection.
    package func cancel() {}
}
