// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Transfer {
    /// What a data callback tells libcurl.
    enum Reaction {
        case taken
        case pause
        case fail
    }

    /// Takes one header line; resumes whoever waits for the head once it is whole.
    func receiveHeader(_ line: [UInt8]) -> Reaction {
        switch parser.consume(line) {
        case .more:
            // Before libcurl repeats the request by itself on this very connection, in the middle of the first body
            // (curl issue 11678): the loop repeats it on another.
            guard parser.head.status == 417, plan.asksFirst, !parser.isComplete else { return .taken }
            expectationFailed = true
            return .fail
        case .malformed(let why):
            verdict = error(.malformed, "what came is not an HTTP answer: \(why)")
            return .fail
        case .complete:
            guard !plan.isStreamed else {
                headWaiter?.resume(returning: .success(parser.head))
                headWaiter = nil
                return .taken
            }
            guard let length = parser.head.contentLength, plan.method != .head else { return .taken }
            guard length <= plan.maximumResponseBytes else { return failTooLarge() }
            bytes.reserveCapacity(length)
            return .taken
        }
    }

    /// Takes a piece of the body, at most 16 KiB as libcurl cuts it.
    func receiveBody(_ piece: UnsafeRawBufferPointer, now: UInt64) -> Reaction {
        guard parser.isComplete else {
            verdict = error(.malformed, "what came is not an HTTP answer: a body without a head")
            return .fail
        }
        guard plan.isStreamed else {
            guard bytes.count + piece.count <= plan.maximumResponseBytes else { return failTooLarge() }
            unsafe bytes.append(contentsOf: piece)
            return .taken
        }
        guard let buffer = sink else {
            isPaused = true
            return .pause
        }
        progressAt = now
        receivedInAll += piece.count
        let taken = unsafe buffer.append(piece)
        if taken < piece.count { unsafe spill.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[taken...])) }
        if buffer.room == 0 { completeFill() }
        return .taken
    }

    private func failTooLarge() -> Reaction {
        verdict = error(.tooLarge, "the answer is over \(plan.maximumResponseBytes) bytes")
        return .fail
    }

    /// Moves what was spilled into the outstanding fill's buffer; completes the fill when that fills it.
    func pourSpill() {
        guard spillStart < spill.count, let buffer = sink else { return }
        spillStart += unsafe spill.withUnsafeBytes { bytes in
            unsafe buffer.append(UnsafeRawBufferPointer(rebasing: bytes[spillStart...]))
        }
        if spillStart == spill.count {
            spill.removeAll(keepingCapacity: true)
            spillStart = 0
        }
        if buffer.room == 0 { completeFill() }
    }

    /// Answers the outstanding fill with what its buffer gained.
    func completeFill() {
        guard let waiter = fillWaiter, let buffer = sink else { return }
        fillWaiter = nil
        sink = nil
        waiter.resume(returning: .success(buffer.count - sinkStart))
    }

    /// Tells everyone waiting how it ended and lets go of what they handed in.
    func settle(_ error: HTTPError?) {
        failure = error
        phase = .finished
        if let waiter = answerWaiter {
            answerWaiter = nil
            waiter.resume(returning: error.map(Result.failure) ?? .success(answer()))
        }
        if let waiter = headWaiter {
            headWaiter = nil
            waiter.resume(returning: error.map(Result.failure) ?? .success(parser.head))
        }
        if let error, let waiter = fillWaiter {
            fillWaiter = nil
            sink = nil
            waiter.resume(returning: .failure(error))
        }
        completeFill()
        bytes = []
        if error != nil { spill = [] }
    }

    private func answer() -> HTTPResponse {
        HTTPResponse(status: parser.head.status, headers: parser.head.headers, body: bytes)
    }
}
