// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The async side of the loop: post a command, wait for its answer, cancel when the task is cancelled.
extension TransferLoop {
    func exchange(_ transfer: Transfer) async -> Result<HTTPResponse, HTTPError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                transfer.answerWaiter = waiter
                if let error = refusal(of: .start(transfer), for: transfer) {
                    transfer.answerWaiter = nil
                    waiter.resume(returning: .failure(error))
                }
            }
        } onCancel: {
            _ = mailbox.post(.cancel(transfer))
        }
    }

    func open(_ transfer: Transfer) async -> Result<ResponseHead, HTTPError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                transfer.headWaiter = waiter
                if let error = refusal(of: .start(transfer), for: transfer) {
                    transfer.headWaiter = nil
                    waiter.resume(returning: .failure(error))
                }
            }
        } onCancel: {
            _ = mailbox.post(.cancel(transfer))
        }
    }

    func fill(_ transfer: Transfer, _ buffer: TransferBuffer) async -> Result<Int, HTTPError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                if let error = refusal(of: .fill(transfer, buffer, waiter), for: transfer) {
                    waiter.resume(returning: .failure(error))
                }
            }
        } onCancel: {
            _ = mailbox.post(.cancel(transfer))
        }
    }

    private func refusal(of command: LoopCommand, for transfer: Transfer) -> HTTPError? {
        switch mailbox.post(command) {
        case .taken: nil
        case .closed: .shutDown
        case .full:
            .ofPlan(
                transfer.plan, .overloaded,
                "the client holds \(configuration.maximumRequests) requests already; make it later", wasSent: false)
        }
    }
}
