// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A well-known scenario: any model (or client) whose id is `scenario-<name>` or `scenario-<name>-<anything>` plays it.
package struct Scenario: Sendable {
    /// The name within the id.
    package let name: String
    /// What it does, in one line.
    package let summary: String
    /// The behaviour it stands for.
    package let behaviour: Behaviour

    init(_ name: String, _ summary: String, _ behaviour: Behaviour) {
        self.name = name
        self.summary = summary
        self.behaviour = behaviour
    }
}

/// The behaviour that ids ask for by their names.
///
/// - `scenario-<name>`, `scenario-<name>-<anything>`: the scenario of that name; several are joined by `+`.
/// - `…size-64MiB…`: an artifact of that size. `…takes-500ms…`: a job of that length.
package enum Catalogue {
    /// All fixed scenarios; those of the grammar `<endpoint>-<fault>-<how often>` are in ``FaultGrammar``.
    package static let scenarios =
        versionScenarios + tokenScenarios + jobScenarios + linkScenarios
        + artifactScenarios + redirectScenarios

    private static let byName = Dictionary(
        scenarios.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// The behaviour that an id asks for; empty for an ordinary id.
    package static func behaviour(forID id: String) -> Behaviour {
        let words = id.split(separator: "-", omittingEmptySubsequences: false)
        var behaviour = Behaviour()
        if let size = argument(of: "size", in: words).flatMap({ ByteSize(text: $0) }) {
            behaviour.size = size
        }
        if let time = argument(of: "takes", in: words).flatMap({ HumanDuration(text: $0) }) {
            behaviour.poll = PollBehaviour(duration: time)
        }
        guard id.hasPrefix("scenario-") else { return behaviour }
        for name in id.dropFirst("scenario-".count).split(separator: "+") {
            if let scenario = scenario(named: name) {
                behaviour = scenario.behaviour.named(after: "scenario-" + scenario.name).overlaid(by: behaviour)
            }
        }
        return behaviour
    }

    /// The scenario whose name is the longest beginning of `text` that ends at a dash.
    static func scenario(named text: Substring) -> Scenario? {
        let words = text.split(separator: "-")
        for count in stride(from: words.count, to: 0, by: -1) {
            if let scenario = byName[words[..<count].joined(separator: "-")] { return scenario }
        }
        return FaultGrammar.scenario(words: words)
    }

    private static func argument(of word: Substring, in words: [Substring]) -> Substring? {
        guard let index = words.firstIndex(of: word), index + 1 < words.count else { return nil }
        return words[index + 1].prefix { $0 != "+" }
    }
}
