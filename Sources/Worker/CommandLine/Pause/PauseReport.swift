// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// What a change of the pause orders came to.
struct PauseReport: Sendable {
    enum Action: Sendable { case pause, resume }

    let before: PauseOrders
    let after: PauseOrders
    let settings: Settings
    let now: Timestamp

    /// Prints what is paused.
    func show(_ output: OutputFormat) {
        switch output {
        case .text: state.forEach(CommandOutput.print)
        case .json: CommandOutput.print(JSONText.safe(.object(document)))
        }
    }

    /// Prints what changed and what still holds.
    func show(_ action: Action, _ subject: PauseSubject, _ output: OutputFormat) {
        guard output == .json else {
            for line in lines(action, subject) { CommandOutput.print(line) }
            return
        }
        var object = document
        object.set("changed", .bool(before != after))
        CommandOutput.print(JSONText.safe(.object(object)))
    }
}

// MARK: Text

extension PauseReport {
    private var follow: String { "workers follow within \(DurationText.format(settings.lease.renew)) (lease.renew)" }

    func lines(_ action: Action, _ subject: PauseSubject) -> [String] {
        let lines =
            switch action {
            case .pause: pausing(subject)
            case .resume: resuming(subject)
            }
        return lines.map { LogText.clean($0) }
    }

    private func pausing(_ subject: PauseSubject) -> [String] {
        let (name, earlier) =
            if case .tenant(let tenant) = subject {
                ("tenant \(tenant)", before.tenants[tenant])
            } else {
                ("everything", before.everything)
            }
        guard let earlier else { return ["paused \(name); \(follow)"] }
        return ["\(name) was paused already \(shown(earlier)); nothing was changed"]
    }

    private func resuming(_ subject: PauseSubject) -> [String] {
        switch subject {
        case .everything:
            let first =
                before.everything.map { "resumed everything, which was paused \(shown($0)); \(follow)" }
                ?? "there was no pause of everything; nothing was changed"
            return [first] + remaining
        case .tenant(let name):
            let first =
                before.tenants[name].map { "resumed tenant \(name), which was paused \(shown($0)); \(follow)" }
                ?? "tenant \(name) was not paused by anybody; workers that paused it by themselves resume it within "
                + "\(DurationText.format(settings.lease.renew)) (lease.renew)"
            return [first] + remaining
        case .all: return ["resumed everything and every tenant; \(follow)"]
        }
    }

    /// What goes on to be paused after a resumption.
    private var remaining: [String] {
        var lines: [String] = []
        if let order = after.everything {
            lines.append("everything is still paused \(shown(order)): nlu-export-worker resume")
        }
        for (name, order) in after.tenants.sorted(by: { $0.key < $1.key }) {
            lines.append("tenant \(name) is still paused \(shown(order)): nlu-export-worker resume --tenant \(name)")
        }
        return lines
    }

    /// What is paused, one line each.
    var state: [String] {
        var lines = after.everything.map { ["everything is paused \(shown($0))"] } ?? []
        lines += after.tenants.sorted { $0.key < $1.key }.map { "tenant \($0.key) is paused \(shown($0.value))" }
        return lines.isEmpty ? ["nothing is paused"] : lines.map { LogText.clean($0) }
    }

    private func shown(_ order: PauseOrder) -> String {
        let reason = order.reason.map { ": \($0)" } ?? ""
        return "by \(order.by) since \(AgeText.moment(order.at, now: now))\(reason)"
    }
}

// MARK: JSON

extension PauseReport {
    /// `{"everything":…,"tenants":{…},"followWithin":"15s"}`, absent where nothing is paused.
    var document: JSONObject {
        var tenants = JSONObject()
        for (name, order) in after.tenants.sorted(by: { $0.key < $1.key }) {
            tenants.set(name, .object(order.document))
        }
        return JSONObject([
            "everything": after.everything.map { .object($0.document) }, "tenants": .object(tenants),
            "followWithin": .string(DurationText.format(settings.lease.renew)),
        ])
    }
}

extension PauseOrder {
    fileprivate var document: JSONObject {
        JSONObject([
            "by": .string(by), "at": .string(at.description), "reason": reason.map(JSONValue.string),
        ])
    }
}
