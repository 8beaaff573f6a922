// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CognigySimulator

@Suite struct ContentTests {
    @Test func sliceIsPartOfTheWhole() {
        let content = ArtifactContent(model: "m", version: "1", size: 700_000)
        let whole = content.bytes(0..<700_000)
        #expect(whole.count == 700_000)
        #expect(content.bytes(262_100..<262_200) == Array(whole[262_100..<262_200]))
    }
}
