// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import TestKit

/// The worker processes of a run: started, killed, stopped, woken, asked to end, and started again.
///
/// A worker that ends when nobody made it end is an incident, whatever its exit code.
package actor Fleet {
    private struct Member {
        let variables: [String: String]
        var process: ChildProcess?
        /// Counts the processes that this worker has been.
        var life = 0
        /// Endings that somebody asked for.
        var expected: Set<ChildProcess.Ending> = []
        var isSuspended = false
        var isDraining = false
        /// Is told once the process has ended.
        let hasProcess = Watched(false)
    }

    private let program: String
    private let logs: String
    private let processDirectory: String?
    private let journal: Journal
    private var members: [Member]
    private var isOpen = true
    private var shielded: (index: Int, until: ContinuousClock.Instant)?

    init(program: String, variables: [[String: String]], logs: String, processDirectory: String?, journal: Journal) {
        self.program = program
        self.logs = logs
        self.processDirectory = processDirectory
        self.journal = journal
        members = variables.map { Member(variables: $0) }
    }

    /// Starts every worker that does not run.
    func start() throws {
        isOpen = true
        for index in members.indices where members[index].process == nil { try start(index) }
    }

    private func start(_ index: Int) throws {
        members[index].life += 1
        let life = members[index].life
        let log = "\(logs)/worker-\(index + 1)-\(String(1000 + life).dropFirst()).log"
        let process = try ChildProcess(program, ["run"], environment: members[index].variables, log: log)
        members[index].process = process
        members[index].expected = []
        members[index].isSuspended = false
        members[index].isDraining = false
        members[index].hasProcess.update { $0 = true }
        rememberProcess(index, process.id)
        Task {
            let ending = await process.end(atMost: .seconds(86_400))
            await self.ended(index, life, ending, log: log)
        }
    }

    private func ended(_ index: Int, _ life: Int, _ ending: ChildProcess.Ending?, log: String) async {
        guard members[index].life == life else { return }
        // Before its first line a process has no handler for SIGTERM yet, and nothing to put in order.
        let isUnborn = ending == .signal(SIGTERM) && members[index].isDraining && Self.isEmpty(log)
        if !isUnborn, !members[index].expected.contains(ending ?? .exit(-1)) {
            journal.incident("worker \(index + 1) ended by itself (\(Self.text(ending))): \(log)")
        }
        members[index].process = nil
        members[index].hasProcess.update { $0 = false }
        guard isOpen else { return }
        // As long as a supervisor takes.
        try? await Task.sleep(for: .milliseconds(200))
        guard isOpen, members[index].process == nil else { return }
        do { try start(index) } catch { journal.incident("worker \(index + 1) could not be started: \(error)") }
    }

    private static func isEmpty(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? Int) == 0
    }

    private static func text(_ ending: ChildProcess.Ending?) -> String {
        switch ending {
        case .exit(let code): "exit code \(code)"
        case .signal(let number): "signal \(number)"
        case nil: "no end"
        }
    }

    // MARK: Trouble

    /// Keeps a worker from being killed for so long, unless another one is kept already. One that is killed while it
    /// sleeps never finds out that its runs have gone to others, and that is what is to be seen.
    func shield(_ index: Int, for duration: Duration) {
        if let shielded, shielded.until > .now { return }
        shielded = (index, .now + duration)
    }

    private func isShielded(_ index: Int) -> Bool {
        shielded.map { $0.index == index && $0.until > .now } ?? false
    }

    /// Kills a worker, or the next one that runs and may be killed; nil where none does.
    func kill(_ index: Int) -> Int? {
        let order = members.indices.map { (index + $0) % members.count }
        guard let index = order.first(where: { members[$0].process != nil && !isShielded($0) }) else { return nil }
        end(index)
        return index
    }

    private func end(_ index: Int) {
        members[index].expected.insert(.signal(SIGKILL))
        members[index].process?.send(SIGKILL)
    }

    /// Stops a worker where it stands; the life that was stopped, to be woken. Nil where it does not run.
    func suspend(_ index: Int) -> Int? {
        guard let process = members[index].process, !members[index].isSuspended, !members[index].isDraining
        else { return nil }
        members[index].isSuspended = true
        process.send(SIGSTOP)
        return members[index].life
    }

    /// Wakes a worker that was stopped, unless that life is over.
    func wake(_ index: Int, life: Int) {
        guard members[index].life == life, members[index].isSuspended else { return }
        members[index].isSuspended = false
        members[index].process?.send(SIGCONT)
    }

    /// Asks a worker to end. It has to do so with exit code 0, and within a minute.
    func drain(_ index: Int) -> Bool {
        guard let process = members[index].process, !members[index].isSuspended, !members[index].isDraining
        else { return false }
        members[index].isDraining = true
        members[index].expected.insert(.exit(0))
        process.send(SIGTERM)
        let life = members[index].life
        Task {
            try? await Task.sleep(for: .seconds(60))
            self.giveUp(index, life)
        }
        return true
    }

    private func giveUp(_ index: Int, _ life: Int) {
        guard members[index].life == life, members[index].process != nil else { return }
        journal.incident("worker \(index + 1) did not end within 60 s of SIGTERM")
        end(index)
    }

    // MARK: The end

    func wakeAll() {
        for index in members.indices { wake(index, life: members[index].life) }
    }

    /// Asks every worker to end and returns when all have.
    func drainAll() async {
        isOpen = false
        wakeAll()
        for index in members.indices { _ = drain(index) }
        await waitForEnd()
    }

    /// Ends every worker at once.
    func killAll() async {
        isOpen = false
        for index in members.indices where members[index].process != nil { end(index) }
        await waitForEnd()
    }

    private func waitForEnd() async {
        for member in members { _ = await member.hasProcess.wait(atMost: .seconds(90)) { !$0 } }
    }

    /// Notes process id and start time as `ops/lib` does, so that its cleaning finds the worker.
    private func rememberProcess(_ index: Int, _ id: Int32) {
        guard let processDirectory, let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19 else { return }
        try? "\(id) \(fields[19])\n".write(
            toFile: "\(processDirectory)/worker-\(index + 1).pid", atomically: true, encoding: .utf8)
    }
}
