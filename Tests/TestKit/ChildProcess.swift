// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// A program that a test runs: its output as it comes, how it ended, and how much memory it took at most.
package final class ChildProcess: Sendable {
    /// How a program ended.
    package enum Ending: Sendable, Hashable {
        case exit(Int32)
        case signal(Int32)
    }

    private struct State: Sendable {
        var output = ""
        var errors = ""
        var openStreams = 2
        var ending: Ending?
        /// Nothing will change any more.
        var isOver: Bool { ending != nil && openStreams == 0 }
    }

    /// Its process id.
    package let id: Int32
    private let state = Watched(State())
    private let peak = Atomic<Int>(0)

    /// Starts a program with exactly that environment, and that of a sanitizer that is at work.
    package convenience init(_ path: String, _ arguments: [String], environment: [String: String]) throws {
        let (output, errors) = (Pipe(), Pipe())
        try self.init(path, arguments, environment, output: output, errors: errors)
        let state = state
        let end: @Sendable () -> Void = { state.update { $0.openStreams -= 1 } }
        Self.read(output, { text in state.update { $0.output += text } }, end: end)
        Self.read(errors, { text in state.update { $0.errors += text } }, end: end)
        Thread.detachNewThread { [self] in watchMemory() }
    }

    /// Starts a program whose output of both kinds is appended to a file and kept nowhere else: for programs that write
    /// much, and for what is to be read when something went wrong.
    package convenience init(
        _ path: String, _ arguments: [String], environment: [String: String], log: String
    ) throws {
        let descriptor = unsafe open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError(call: "open \(log)", code: errno) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try self.init(path, arguments, environment, output: file, errors: file)
        state.update { $0.openStreams = 0 }
    }

    private init(
        _ path: String, _ arguments: [String], _ environment: [String: String], output: Any, errors: Any
    ) throws {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = environment.merging(Sanitizers.environment) { given, _ in given }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        let state = state
        process.terminationHandler = { process in
            let status = process.terminationStatus
            state.update { $0.ending = process.terminationReason == .exit ? .exit(status) : .signal(status) }
        }
        try Self.withAllSignals { try process.run() }
        id = process.processIdentifier
    }

    /// A program inherits which signals are blocked, and the threads of the cooperative pool block them: without this
    /// a program that does not unblock SIGTERM by itself could not be asked to end.
    private static func withAllSignals(_ body: () throws -> Void) rethrows {
        var (none, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    /// What it has written to standard output.
    package var output: String { state.value.output }
    /// What it has written to standard error.
    package var errors: String { state.value.errors }
    /// The peak of its resident memory in bytes (`VmHWM`), as far as it was looked at: every few milliseconds.
    package var peakMemory: Int { peak.load(ordering: .relaxed) }

    /// Sends a signal, unless it has ended.
    package func send(_ signal: Int32) {
        if state.value.ending == nil { kill(id, signal) }
    }

    /// Waits until standard error contains a text; false once the bound is over or the program ended without.
    package func wait(forErrors text: String, atMost bound: Duration = .seconds(120)) async -> Bool {
        _ = await state.wait(atMost: bound) { $0.errors.contains(text) || $0.isOver }
        return errors.contains(text)
    }

    /// Waits for its end; a program that outlives the bound is killed.
    package func end(atMost bound: Duration = .seconds(180)) async -> Ending? {
        if await !state.wait(atMost: bound, until: { $0.isOver }) {
            send(SIGKILL)
            _ = await state.wait(atMost: .seconds(10)) { $0.isOver }
            return nil
        }
        return state.value.ending
    }

    private static func read(
        _ pipe: Pipe, _ take: @escaping @Sendable (String) -> Void, end: @escaping @Sendable () -> Void
    ) {
        let descriptor = pipe.fileHandleForReading.fileDescriptor
        Thread.detachNewThread {
            var bytes = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = unsafe Foundation.read(descriptor, &bytes, bytes.count)
                guard count > 0 else { break }
                take(String(decoding: bytes[..<count], as: UTF8.self))
            }
            withExtendedLifetime(pipe) { end() }
        }
    }

    private func watchMemory() {
        while state.value.ending == nil {
            if let text = try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8),
                let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
                let kibibytes = Int(line.dropFirst(6).filter(\.isNumber))
            {
                peak.store(max(peak.load(ordering: .relaxed), kibibytes << 10), ordering: .relaxed)
            }
            _ = poll(nil, 0, 5)
        }
    }
}
