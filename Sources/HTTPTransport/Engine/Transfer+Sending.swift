// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl

extension Transfer {
    /// Decides whether the request may go over a connection to this address, and takes it as sent from then on.
    ///
    /// Besides the check of every socket that is opened: a kept connection may have been made by a request without
    /// restriction.
    func mayUse(connectedAddress text: String) -> Bool {
        guard !plan.isRestricted || IPAddress(text)?.isPublic == true else {
            refusedAddress = true
            return false
        }
        wasSent = true
        return true
    }

    /// Copies the next piece of the request's body for libcurl; 0 at its end.
    func send(into space: UnsafeMutableRawBufferPointer) -> Int {
        switch plan.body {
        case .none: 0
        case .bytes(let bytes): unsafe bytes.withUnsafeBytes { unsafe copy(from: $0, into: space) }
        case .buffer(let buffer): unsafe buffer.withUnsafeBytes { unsafe copy(from: $0, into: space) }
        }
    }

    private func copy(from body: UnsafeRawBufferPointer, into space: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(space.count, max(0, body.count - sentOffset))
        guard count > 0, let source = body.baseAddress, let target = space.baseAddress else { return 0 }
        unsafe target.copyMemory(from: source.advanced(by: sentOffset), byteCount: count)
        sentOffset += count
        return count
    }

    /// Goes back (or forward) in the body; libcurl asks for it when a kept connection turned out stale.
    func seek(to offset: Int64, origin: Int32) -> Int32 {
        guard origin == 0, offset >= 0, offset <= Int64(plan.body.count) else { return CURL_SEEKFUNC_FAIL }
        sentOffset = Int(offset)
        return CURL_SEEKFUNC_OK
    }
}
