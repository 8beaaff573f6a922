// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline

/// The dead letters as a table or as JSON.
struct DeadListReport: Sendable {
    let queue: String
    let look: AMQPLook
    let spent: Int?
    let now: Timestamp
    private(set) var letters: [JudgedDeadLetter] = []
    /// Letters that may be meant or not: nobody can tell.
    private(set) var uncertain = 0
    /// Why the bucket says nothing, each reason once and the first few of them.
    private(set) var troubles: [String] = []
    /// Letters that are meant and not shown.
    private(set) var isCut = false

    init(queue: String, view: DeadQueueView<DeadLetter>, now: Timestamp) {
        self.queue = queue
        self.now = now
        look = view.look
        spent = view.spent
    }

    /// Finds out what became of the letters, some at a time until `limit` of them are shown.
    mutating func judge(
        _ found: [DeadLetter], _ filter: DeadLetterFilter, limit: Int, by records: DeadLetterRecords
    ) async {
        var rest = found[...]
        while !rest.isEmpty, letters.count < limit {
            let count = filter.needsRecord ? 256 : limit - letters.count
            let judged = await records.judge(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
            judged.forEach { take($0, filter) }
            // A bucket that told nothing about so many will not tell about the others.
            if uncertain > 0, judged.allSatisfy(\.isUnknown) {
                uncertain += rest.count
                rest = []
            }
        }
        let isUnseen = filter.isEmpty && spent == nil && Int(look.queue.messageCount) > found.count
        isCut = isUnseen || !rest.isEmpty || letters.count > limit
        letters = Array(letters.prefix(limit))
    }

    private mutating func take(_ judged: JudgedDeadLetter, _ filter: DeadLetterFilter) {
        switch filter.admits(judged, at: now) {
        case true?: letters.append(judged)
        case false?: return
        case nil: uncertain += 1
        }
        guard case .unknown(let why) = judged.record, troubles.count < 3, !troubles.contains(why) else { return }
        troubles.append(why)
    }

    /// Writes the result to standard output and what stood in its way to standard error.
    func show(_ output: OutputFormat) -> WorkerExit {
        switch output {
        case .text: lines.forEach(CommandOutput.print)
        case .json: CommandOutput.print(JSONText.safe(document))
        }
        complaints.forEach(CommandOutput.complain)
        if spent != nil { return .configuration }
        return uncertain > 0 ? .unavailable : .success
    }

    var complaints: [String] {
        var texts = troubles.map { "why they are dead is not to be known: \($0)" }
        if uncertain > 0 {
            texts.append("\(uncertain) more may be meant (see nlu-export-worker doctor)")
        }
        if let spent {
            texts.append(
                "stopped: the next message was returned \(spent) times already, and \(queue) destroys it soon; "
                    + "--anyway looks at it nevertheless")
        }
        if !look.keptOrder {
            texts.append("the order of \(queue) may have changed: not all that were returned before could be taken")
        }
        return texts.map { LogText.clean($0) }
    }
}

// MARK: Text

extension DeadListReport {
    private static let head = ["POS", "COMMAND", "TENANT", "MODEL", "VERSION", "CODE", "STAGE", "ATTEMPTS", "WHEN"]
    /// A long value moves its own line, not everybody's.
    private static let widest = 40

    /// The table, a line with the reason below each row, and how many there are.
    var lines: [String] {
        guard !letters.isEmpty else { return [summary] }
        let rows = letters.map(cells)
        let widths = Self.head.indices.map { column in
            min(Self.widest, ([Self.head] + rows).map { ProgressText.columns($0[column]) }.max() ?? 0)
        }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - ProgressText.columns(cell)))
            }
            return String(padded.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
        var lines = [line(Self.head)]
        for (row, judged) in zip(rows, letters) {
            lines.append(line(row))
            lines.append(String(repeating: " ", count: widths[0] + 2) + LogText.clean(judged.reason, limit: 300))
        }
        return lines + [summary]
    }

    private func cells(_ judged: JudgedDeadLetter) -> [String] {
        let letter = judged.letter
        let texts = [
            letter.name, letter.tenant, letter.modelID, letter.version, judged.code, judged.failure?.stage.rawValue,
        ]
        return ["\(letter.position)"] + texts.map { $0.map { LogText.clean($0, limit: 128) } ?? "-" }
            + [judged.run.map { "\($0.attempts)" } ?? "-", judged.when.map { AgeText.moment($0, now: now) } ?? "-"]
    }

    private var summary: String {
        let held = Int(look.queue.messageCount)
        let there = "\(queue) holds \(held) dead letter\(held == 1 ? "" : "s")"
        let rest = isCut ? "; there are more: raise --limit" : ""
        let takers = Int(look.queue.consumerCount)
        let others = takers == 0 ? "" : "; \(takers) consumer\(takers == 1 ? "" : "s") may hold others"
        return "\(there), \(letters.count) shown\(rest)\(others)"
    }
}
