// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CognigySimulator
internal import TestKit

/// A command of the run and what has to come of it.
package struct PlannedCommand: Sendable, Hashable {
    package let id: String
    package let model: String
    package let version: String
    /// Bytes of its artifact.
    package let size: Int
    /// How often it is published.
    package let copies: Int
    /// How many runs the tenant forces it to have, by losing a job.
    package let runs: Int

    package init(id: String, model: String, version: String = "1.0.0", size: Int, copies: Int = 1, runs: Int = 1) {
        self.id = id
        self.model = model
        self.version = version
        self.size = size
        self.copies = copies
        self.runs = runs
    }

    /// The SHA-256 of the artifact that the tenant has for it.
    package var sha256: String { ArtifactContent.sha256(model: model, version: version, size: size) }

    /// Its message's body.
    var body: [UInt8] {
        Array(#"{"commandId":"\#(id)","modelId":"\#(model)","version":"\#(version)"}"#.utf8)
    }
}

/// All commands of a run, made from its seed.
package struct CommandPlan: Sendable {
    /// A message to publish.
    struct Message: Sendable, Hashable {
        let command: Int
        let copy: Int
    }

    package let commands: [PlannedCommand]
    /// In the order of publishing; some second copies follow at once, the others much later.
    let messages: [Message]

    package init(options: ChaosOptions) {
        var random = SplitMix64(seed: options.seed)
        let large = Set((0..<options.commands).shuffled(using: &random).prefix(options.largeArtifacts))
        commands = (0..<options.commands).map { number in
            Self.command(number, isLarge: large.contains(number), options, &random)
        }
        var messages = commands.indices.map { Message(command: $0, copy: 1) }
        for index in commands.indices where commands[index].copies > 1 {
            let place = messages.firstIndex { $0.command == index } ?? 0
            let isSoon = random.chance(0.5)
            let range = (place + 1)...messages.count
            messages.insert(
                Message(command: index, copy: 2), at: isSoon ? place + 1 : Int.random(in: range, using: &random))
        }
        self.messages = messages
    }

    private static func command(
        _ number: Int, isLarge: Bool, _ options: ChaosOptions, _ random: inout SplitMix64
    ) -> PlannedCommand {
        let digits = String(number)
        let id = "chaos-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        let mebibytes = Int.random(in: 17...26, using: &random)
        let scenario = random.chance(0.25) ? Self.scenarios.randomElement(using: &random) : nil
        let isTwice = random.chance(options.duplicateShare) && options.faults.contains(.duplicates)
        // Most jobs are short, some long enough to outlive their worker more than once.
        let takes = Int.random(in: random.chance(options.slowShare) ? 2000...5000 : 50...1500, using: &random)
        let size = isLarge ? "size-\(mebibytes)MiB" : "size-4KiB"
        let words = [size, "takes-\(takes)ms", id]
        let active = options.faults.contains(.scenarios) ? scenario : nil
        return PlannedCommand(
            id: id, model: ((active.map { ["scenario", $0.name] } ?? ["model"]) + words).joined(separator: "-"),
            size: isLarge ? mebibytes << 20 : 4096, copies: isTwice ? 2 : 1, runs: active?.runs ?? 1)
    }

    /// What can be wrong with a single command without making it fail, and how many runs it takes then.
    ///
    /// A tenant that loses a job whose artifact was fetched already is not among them: when the owner is killed between
    /// storing and deciding, the next run leaves that object behind, and none is left out of the count here.
    private static let scenarios: [(name: String, runs: Int)] = [
        ("validate-503-once", 1), ("version-training-then-trained", 1), ("trigger-503-twice", 1),
        ("trigger-lost-503-once", 1), ("trigger-lost-reset-once", 1), ("trigger-429-seconds-once", 1),
        ("poll-500-twice", 1), ("poll-html-502-once", 1), ("poll-reset-once", 1), ("poll-429-seconds-once", 1),
        ("poll-revoked-once", 1), ("link-missing-twice", 1), ("link-own", 1), ("link-relative", 1),
        ("link-expired-once", 1), ("redirect-once", 1), ("download-503-once", 1), ("artifact-reset-once", 1),
        ("artifact-truncated-once", 1), ("artifact-chunked", 1), ("job-gone-once", 2), ("job-gone-410-once", 2),
        ("artifact-gone-once", 2),
    ]
}
