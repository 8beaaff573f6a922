// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl

extension TransferLoop {
    /// Takes a new transfer: runs it at once or lets it wait for a place.
    func start(_ transfer: Transfer) {
        guard !transfer.isCancelled else {
            released += 1
            return transfer.settle(transfer.error(.cancelled, "cancelled before it began"))
        }
        live[ObjectIdentifier(transfer)] = transfer
        transfer.phase = .waiting
        if gate.enter(transfer, key: transfer.plan.url.origin) { admit(transfer) }
    }

    /// Runs a transfer that has a place. One that was cancelled while it waited gives the place back.
    func admit(_ transfer: Transfer) {
        guard transfer.phase == .waiting else {
            gate.leave(key: transfer.plan.url.origin)
            released += 1
            return
        }
        transfer.phase = .active
        transfer.startedAt = now
        transfer.progressAt = now
        launch(transfer)
    }

    private func launch(_ transfer: Transfer) {
        guard let easy = pool.popLast() ?? EasyHandle(clock: clock) else {
            return end(transfer, transfer.error(.internal, "libcurl has no memory for a handle"))
        }
        transfer.easy = easy
        easy.attach(transfer)
        let refusal = easy.configure(transfer.plan, configuration)
        guard refusal == CURLE_OK else {
            return end(
                transfer, .ofCurl(refusal, text: easy.message, plan: transfer.plan, wasSent: false, hasHead: false))
        }
        guard multi.add(easy) == CURLM_OK else {
            return end(transfer, transfer.error(.internal, "libcurl refused the transfer"))
        }
        schedule(transfer)
    }

    /// Serves a fill: from what was spilled, from libcurl, or with the end.
    func fill(_ transfer: Transfer, _ buffer: TransferBuffer, _ waiter: Transfer.FillWaiter) {
        if let failure = transfer.failure { return waiter.resume(returning: .failure(failure)) }
        guard transfer.fillWaiter == nil, buffer.room > 0, transfer.parser.isComplete else {
            let why = "a fill needs room in its buffer and no other fill under way"
            return waiter.resume(returning: .failure(transfer.error(.invalidRequest, why)))
        }
        transfer.fillWaiter = waiter
        transfer.sink = buffer
        transfer.sinkStart = buffer.count
        transfer.progressAt = now
        transfer.pourSpill()
        guard transfer.fillWaiter != nil else { return }
        guard let easy = transfer.easy, transfer.phase == .active else { return transfer.completeFill() }
        if transfer.isPaused {
            transfer.isPaused = false
            let result = easy.resume()  // hands over what libcurl held back, through the callbacks, before it returns
            if result != CURLE_OK, transfer.phase == .active { return finish(transfer, result) }
        }
        schedule(transfer)
    }

    /// Ends a transfer that nobody wants any more.
    func cancel(_ transfer: Transfer) {
        transfer.isCancelled = true
        guard transfer.phase == .waiting || transfer.phase == .active else { return }
        end(transfer, transfer.error(.cancelled, "cancelled"))
    }

    /// Ends a transfer that libcurl is done with.
    func finish(_ transfer: Transfer, _ result: CURLcode) {
        guard transfer.phase == .active, let easy = transfer.easy else { return }
        if transfer.expectationFailed {
            recycle(transfer)
            transfer.rewindForRepeat()
            return launch(transfer)
        }
        end(transfer, outcome(of: transfer, easy, result))
    }

    private func outcome(of transfer: Transfer, _ easy: EasyHandle, _ result: CURLcode) -> HTTPError? {
        if let verdict = transfer.verdict { return verdict }
        let isRefused = transfer.refusedAddress && !transfer.wasSent
        if result != CURLE_OK, isRefused { return .refusedAddress(transfer.plan.method, transfer.plan.url) }
        guard result == CURLE_OK else {
            return .ofCurl(
                result, text: easy.message, plan: transfer.plan, wasSent: transfer.wasSent,
                hasHead: transfer.parser.isComplete)
        }
        // libcurl has reported success without any answer before (curl issue 2801).
        guard transfer.parser.isComplete else {
            return transfer.error(.malformed, "the server closed without an answer")
        }
        let expected = transfer.plan.method == .head ? nil : transfer.parser.head.contentLength
        guard transfer.plan.isStreamed, let expected, expected != transfer.receivedInAll else { return nil }
        return transfer.error(.truncated, "the answer's body has \(transfer.receivedInAll) of \(expected) bytes")
    }

    /// Ends a transfer in whatever phase it is, with or without an error.
    func end(_ transfer: Transfer, _ error: HTTPError?) {
        let wasActive = transfer.phase == .active
        recycle(transfer)
        live[ObjectIdentifier(transfer)] = nil
        transfer.settle(error)
        guard wasActive else { return }  // a waiting one gives its place back when its turn comes
        gate.leave(key: transfer.plan.url.origin)
        released += 1
    }

    /// Takes the handle off a transfer. Large ones are not kept: their buffers would be kept with them.
    private func recycle(_ transfer: Transfer) {
        guard let easy = transfer.easy else { return }
        transfer.easy = nil
        multi.remove(easy)
        easy.detach()
        if !transfer.plan.isStreamed, pool.count < Self.pooledHandles { pool.append(easy) }
    }
}
