// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// Which dead letters are meant; what is not given does not matter.
package struct DeadLetterFilter: Sendable, Hashable {
    /// The failure codes that there are, as events and audit records name them.
    package static let codes = FailureCode.allCases.map(\.rawValue)

    /// One of these failure codes; empty: any.
    package var codes: Set<String>
    package var tenant: String?
    package var model: String?
    /// Dead for longer than that.
    package var olderThan: Duration?
    /// Dead for less than that.
    package var newerThan: Duration?

    package init(
        codes: Set<String> = [], tenant: String? = nil, model: String? = nil, olderThan: Duration? = nil,
        newerThan: Duration? = nil
    ) {
        self.codes = codes
        self.tenant = tenant
        self.model = model
        self.olderThan = olderThan
        self.newerThan = newerThan
    }

    /// Whether every dead letter is meant.
    var isEmpty: Bool { self == DeadLetterFilter() }

    /// Whether a look at the message is not enough to tell.
    var needsRecord: Bool { !codes.isEmpty || olderThan != nil || newerThan != nil }

    /// Whether the message itself is what is meant.
    func admits(_ letter: DeadLetter) -> Bool {
        (tenant == nil || letter.tenant == tenant) && (model == nil || letter.modelID == model)
    }

    /// Whether the letter is meant; nil where nobody can tell.
    func admits(_ judged: JudgedDeadLetter, at now: Timestamp) -> Bool? {
        guard admits(judged.letter) else { return false }
        var isCertain = true
        if !codes.isEmpty {
            if let code = judged.failure?.code.rawValue {
                guard codes.contains(code) else { return false }
            } else if case .unknown = judged.record {
                isCertain = false
            } else {
                return false
            }
        }
        if olderThan != nil || newerThan != nil {
            if let when = judged.when {
                let age = Duration.milliseconds(now.milliseconds - when.milliseconds)
                if let olderThan, age < olderThan { return false }
                if let newerThan, age > newerThan { return false }
            } else if judged.isUnknown {
                isCertain = false
            } else {
                return false
            }
        }
        return isCertain ? true : nil
    }
}
