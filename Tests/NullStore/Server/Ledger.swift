// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Counts what came, by operation and by what was verified, so that a benchmark can say what each client had checked.
final class Ledger: Sendable {
    private struct Counts {
        var requests: [String: Int] = [:]
        var refusals: [String: Int] = [:]
        var bodyBytes = 0
        var verifiedBytes: [String: Int] = [:]
    }

    private let counts = Mutex(Counts())

    func note(_ operation: Operation, _ body: ReceivedBody) {
        counts.withLock { counts in
            counts.requests[operation.rawValue, default: 0] += 1
            guard operation == .putObject || operation == .uploadPart else { return }
            counts.bodyBytes += body.size
            for name in body.verified { counts.verifiedBytes[name, default: 0] += body.size }
        }
    }

    func note(_ refusal: Refusal) {
        counts.withLock { $0.refusals[refusal.code, default: 0] += 1 }
    }

    /// As JSON: names are this file's own, nothing has to be escaped.
    var json: String {
        func object(_ counts: [String: Int]) -> String {
            "{" + counts.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
        }
        return counts.withLock { counts in
            "{\"requests\": \(object(counts.requests)), \"refusals\": \(object(counts.refusals)), "
                + "\"bodyBytes\": \(counts.bodyBytes), \"verifiedBytes\": \(object(counts.verifiedBytes))}\n"
        }
    }
}
