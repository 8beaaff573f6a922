// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The answer to `open`: a head, and a body that is read as it is asked for.
///
/// Between fills libcurl is paused and the connection's window closes: a server is never read faster than we ask, and
/// the time between fills counts as no stall. One party reads at a time.
package final class HTTPDownload: Sendable {
    /// The status of the last answer, after redirects.
    package let status: Int
    package let headers: HTTPHeaders
    /// The URL that answered, after redirects; its query may be secret.
    package let url: String
    /// The announced length of the body in bytes, `nil` when there is none or it is sent in chunks.
    package let contentLength: Int?

    private let loop: TransferLoop
    private let transfer: Transfer

    init(loop: TransferLoop, transfer: Transfer, head: ResponseHead) {
        self.loop = loop
        self.transfer = transfer
        status = head.status
        headers = head.headers
        url = transfer.plan.url.string
        contentLength = head.contentLength
    }

    /// Only signals; the loop ends a transfer that has not ended yet.
    deinit { cancel() }

    /// Appends to the buffer until it is full or the body ends; returns the bytes added, 0 at the end of the body.
    ///
    /// Errors: `truncated` when the body ends before its announced length (bytes beyond it are dropped), `stalled`,
    /// `reset`, `cancelled`, `shutDown`; `invalidRequest` for a full buffer or a second fill at once. After an error
    /// every further fill fails with it.
    package func fill(_ buffer: TransferBuffer) async throws(HTTPError) -> Int {
        try await loop.fill(transfer, buffer).get()
    }

    /// Reads the whole body; `tooLarge` (and cancelled) when it has more than `maximum` bytes.
    package func readAll(maximum: Int) async throws(HTTPError) -> [UInt8] {
        if let contentLength, contentLength > maximum { throw tooLarge(maximum) }
        let expected = contentLength ?? 64 << 10
        let buffer = TransferBuffer(capacity: min(max(expected, 1), 64 << 10))
        var bytes: [UInt8] = []
        while try await fill(buffer) > 0 {
            guard bytes.count + buffer.count <= maximum else { throw tooLarge(maximum) }
            unsafe buffer.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            buffer.count = 0
        }
        return bytes
    }

    /// Drops the rest of the body and its connection; a fill under way fails with `cancelled`.
    package func cancel() {
        _ = loop.mailbox.post(.cancel(transfer))
    }

    private func tooLarge(_ maximum: Int) -> HTTPError {
        cancel()
        return .ofPlan(transfer.plan, .tooLarge, "the answer is over \(maximum) bytes", wasSent: true)
    }
}
