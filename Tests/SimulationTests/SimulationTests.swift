// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

/// A short run of what `ops/simulate` does at length. The simulation takes over the scheduling of the threads it runs on
/// and fixes the hashing of its process, so it stays a program of its own here too.
@Suite struct SimulationTests {
    @Test func everyPromiseHoldsInAFewWorlds() async throws {
        let output = try await simulate(["--seeds", "200", "--jobs", "1"])
        #expect(output.contains("200 worlds, 0 broke a promise"), "\(output)")
    }

    @Test(arguments: [3, 17, 59, 244]) func theSameSeedIsTheSameWorld(_ seed: Int) async throws {
        let first = try await simulate(["--seed", "\(seed)"])
        let second = try await simulate(["--seed", "\(seed)"])
        #expect(first == second)
        #expect(first.contains("calm: nothing goes wrong") || first.contains("published"), "\(first)")
    }

    /// Runs the program that was built beside the tests; what it printed.
    private func simulate(_ arguments: [String]) async throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: tests).deletingLastPathComponent().appending(path: "simulate").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is not built")
        let own = ProcessInfo.processInfo.environment
        let environment = own.filter { ["PATH", "HOME", "LD_LIBRARY_PATH"].contains($0.key) }
        let process = try ChildProcess(path, arguments, environment: environment)
        let ending = await process.end()
        #expect(ending == .exit(0), "\(arguments): \(process.output.suffix(2000))\(process.errors)")
        return process.output
    }
}
