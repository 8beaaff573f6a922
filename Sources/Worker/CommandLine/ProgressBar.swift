// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a progress bar shows; turned into one line without looking at anything else.
struct ProgressBar: Sendable, Hashable {
    var stage: String
    /// 0 to 1; nil where nobody knows.
    var fraction: Double?
    var bytes: Int?
    var total: Int?
    /// Bytes per second; nil until it is known.
    var rate: Double?
    /// The command, or how many of how many are done.
    var label: String

    /// The line for a terminal of `width` columns, never longer than that: what does not fit is left out, the label
    /// first, then rate and bytes, then the bar itself.
    func render(width: Int) -> String {
        let stage = LogText.clean(self.stage, limit: 32)
        let padded = stage + String(repeating: " ", count: max(0, 9 - ProgressText.columns(stage)))
        let percent = fraction.map(ProgressText.percent) ?? "   - "
        let optional = [amount, speed, LogText.clean(label, limit: 160)].filter { !$0.isEmpty }
        for count in stride(from: optional.count, through: 0, by: -1) {
            let tail = optional.prefix(count).map { "  \($0)" }.joined()
            // Stage, a blank, the brackets, a blank and the percentage.
            let fixed = ProgressText.columns(padded) + 4 + percent.count + ProgressText.columns(tail)
            let room = min(40, width - fixed)
            if room >= 10 { return "\(padded) \(bar(room)) \(percent)\(tail)" }
        }
        return ProgressText.fit("\(stage) \(percent)", columns: max(0, width))
    }

    private func bar(_ cells: Int) -> String {
        guard let fraction else { return "[\(String(repeating: ".", count: cells))]" }
        let filled = min(cells, Int((fraction * Double(cells)).rounded(.down)))
        let head = filled > 0 && filled < cells ? ">" : ""
        let body = String(repeating: "=", count: filled - head.count) + head
        return "[\(body)\(String(repeating: " ", count: cells - filled))]"
    }

    private var amount: String {
        switch (bytes, total) {
        case (let bytes?, let total?): "\(ProgressText.bytes(Double(bytes))) of \(ProgressText.bytes(Double(total)))"
        case (let bytes?, nil): ProgressText.bytes(Double(bytes))
        default: ""
        }
    }

    private var speed: String { rate.map { "\(ProgressText.bytes($0))/s" } ?? "" }

    /// The same as a sentence, for a log file or a pipe.
    var sentence: String {
        let details = [amount, speed].filter { !$0.isEmpty }.joined(separator: ", ")
        let percent = fraction.map { " \(Int($0 * 100)) %" } ?? ""
        return "\(LogText.clean(label, limit: 160)): \(LogText.clean(stage, limit: 32))\(percent)"
            + (details.isEmpty ? "" : " (\(details))")
    }
}
