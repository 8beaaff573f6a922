// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TransferLoop {
    /// Sees to it that the transfer is looked at when its next deadline comes.
    ///
    /// An entry in the heap is never moved: when it comes up, the transfer's deadline of that moment counts, so
    /// progress costs nothing but a time noted.
    func schedule(_ transfer: Transfer) {
        guard let deadline = transfer.deadline else { return }
        if transfer.scheduledAt != 0, transfer.scheduledAt <= deadline.time { return }
        transfer.scheduledAt = deadline.time
        deadlines.insert(transfer, at: deadline.time)
    }

    /// Ends what is overdue.
    func lookAtDeadlines() {
        while let transfer = deadlines.popDue(now: now) {
            guard transfer.scheduledAt != 0, transfer.scheduledAt <= now else { continue }
            transfer.scheduledAt = 0
            noteSending(transfer)
            guard let deadline = transfer.deadline else { continue }
            guard deadline.time <= now else {
                schedule(transfer)
                continue
            }
            end(transfer, transfer.overdue(deadline))
        }
    }

    /// A body being sent has no callback of its own for what the socket took: ask libcurl.
    private func noteSending(_ transfer: Transfer) {
        guard !transfer.plan.isStreamed, let easy = transfer.easy else { return }
        let sent = easy.sentBytes
        guard sent != transfer.progressMark else { return }
        transfer.progressMark = sent
        transfer.progressAt = now
    }
}
