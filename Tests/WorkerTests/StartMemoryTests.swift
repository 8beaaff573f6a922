// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Worker

/// What only the start needed is given back, and what is needed comes back.
struct StartMemoryTests {
    /// Written by its initializer: read from the file again, it would be 0.
    private static let computed = (1...1000).reduce(0, +)

    @Test func cleanPagesLeaveAndWrittenOnesStay() throws {
        let before = Self.computed
        let allocated = (0..<4096).map { String(repeating: "x", count: $0) }
        let mapped = try Self.mappedKiB()
        StartMemory.release()
        #expect(try Self.mappedKiB() < mapped)
        #expect(Self.computed == before && before == 500_500)
        #expect(allocated.indices.allSatisfy { allocated[$0].utf8.count == $0 })
    }

    /// Pages of files in memory, as the kernel counts them.
    private static func mappedKiB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
    }
}
