// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

extension Stack {
    /// Starts the program that was built beside the tests, with the configuration of this stack.
    func start(_ arguments: [String], overriding: [String: String] = [:]) throws -> ChildProcess {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: tests).deletingLastPathComponent().appending(path: "nlu-export-worker").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is not built")
        var environment = variables.merging(overriding) { $1 }
        let own = ProcessInfo.processInfo.environment
        for name in ["PATH", "HOME", "LD_LIBRARY_PATH"] { environment[name] = own[name] }
        return try ChildProcess(path, arguments, environment: environment)
    }

    /// Runs it to its end, which must be `exit`; what it printed on standard output and on standard error.
    func finish(
        _ arguments: [String], overriding: [String: String] = [:], exit: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> (output: String, errors: String) {
        let process = try start(arguments, overriding: overriding)
        let ending = await process.end()
        #expect(ending == .exit(exit), "\(arguments): \(process.errors)", sourceLocation: sourceLocation)
        return (process.output, process.errors)
    }
}
