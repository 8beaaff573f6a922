// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Every input that ever taught the fuzzers something, once more and without libFuzzer.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "corpus")

    @Test(arguments: FuzzTarget.all.map(\.name))
    func keepsItsPromises(for name: String) async throws {
        let target = try #require(FuzzTarget.named(name))
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.folder.appending(path: name), includingPropertiesForKeys: nil)
        #expect(files.count >= 3, "the corpus of \(name) is gone")
        let inputs = try files.sorted { $0.path < $1.path }.map { file in
            (name: file.lastPathComponent, bytes: [UInt8](try Data(contentsOf: file)))
        }
        let broken = await Self.onOwnThread { Self.broken(target, inputs) }
        #expect(broken.isEmpty)
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func keepsItsPromisesForNothingAndForTrash(name: String) async throws {
        let target = try #require(FuzzTarget.named(name))
        let trash: [[UInt8]] = [[], [0], [0x0A], [0x0A, 0x0A], [0xFF, 0xFE], Array(repeating: 0x5B, count: 5000)]
        let broken = await Self.onOwnThread { Self.broken(target, trash.map { ("\($0.prefix(8))", $0) }) }
        #expect(broken.isEmpty)
    }

    /// A folder without a target is a corpus that nobody replays.
    @Test func knowsEveryFolder() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
    }

    /// The inputs that break a promise, with what they break.
    private static func broken(_ target: FuzzTarget, _ inputs: [(name: String, bytes: [UInt8])]) -> [String] {
        inputs.compactMap { input in
            do {
                try target.check(input.bytes)
                return nil
            } catch {
                return "\(target.name)/\(input.name): \(error)"
            }
        }
    }

    /// Some targets wait, and librabbitmq wants more stack than a thread of the cooperative pool has.
    private static func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: work()) }
            thread.stackSize = 16 << 20
            thread.start()
        }
    }
}
