// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import CognigySimulator

/// The article is what people choose scenarios from: it must not lag behind the code.
@Suite struct ArticleTests {
    private let article: String

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "Sources/CognigySimulator/CognigySimulator.docc/CognigySimulator.md")
        article = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }

    @Test(arguments: Catalogue.scenarios.map(\.name))
    func everyScenarioIsInTheTable(name: String) throws {
        let scenario = try #require(Catalogue.scenarios.first { $0.name == name })
        #expect(article.contains("| `\(name)` | \(scenario.summary) |\n"))
    }

    @Test func theExampleIsAScenarioFile() throws {
        let start = try #require(article.firstRange(of: "```json\n")).upperBound
        let end = try #require(article[start...].firstRange(of: "```")).lowerBound
        #expect(try ScenarioFile(json: Array(article[start..<end].utf8)).rules.count == 3)
    }
}
