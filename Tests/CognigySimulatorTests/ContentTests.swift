// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CognigySimulator

@Suite struct ContentTests {
    @Test func everyRangeIsPartOfTheWhole() {
        let content = ArtifactContent(model: "m", version: "1", size: 700_000)
        let whole = content.bytes(0..<700_000)
        #expect(whole.count == 700_000)
        for range in [0..<1, 262_143..<262_145, 262_144..<262_144, 1..<699_999, 524_288..<700_000] {
            #expect(content.bytes(range) == Array(whole[range]))
        }
    }

    @Test func contentIsTheSameInEveryProcess() {
        // Pinned: other programs may rely on these bytes.
        #expect(
            ArtifactContent.sha256(model: "m", version: "1.0", size: 1 << 20)
                == "c36986b6f17361876a4744029e5c03633c9f7769b513813f2e1c9a7eadc03c4a")
        #expect(
            ArtifactContent.sha256(model: "m", version: "1.0", size: 0)
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func modelVersionAndSizeMakeAnotherContent() {
        let contents = [("m", "1", 64), ("m", "2", 64), ("n", "1", 64), ("m", "1", 65)].map {
            ArtifactContent(model: $0.0, version: $0.1, size: $0.2)
        }
        #expect(Set(contents.map { $0.bytes(0..<64) }).count == contents.count)
        #expect(Set(contents.map(\.entityTag)).count == contents.count)
    }

    @Test func blocksDiffer() {
        // An uploader that mixes up two blocks must be found out by the hash.
        let content = ArtifactContent(model: "m", version: "1", size: 64 << 20)
        let heads = (0..<256).map { content.bytes($0 << 18..<($0 << 18) + 16) }
        #expect(Set(heads).count == 256)
    }
}
