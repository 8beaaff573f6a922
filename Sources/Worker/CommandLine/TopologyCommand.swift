// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline

/// `nlu-export-worker topology plan|apply`: what the broker must hold, and what it holds.
package enum TopologyCommand {
    /// Shows what is there, what would be made and what differs; changes nothing.
    package static func plan(settings: Settings, output: OutputFormat) async -> WorkerExit {
        await run(settings, output) { session, topology throws(AMQPError) in
            try TopologySurvey(session: session, creates: false).examine(topology)
        }
    }

    /// Makes what is missing. Repeating it changes nothing; an object that differs is named with the remedy.
    package static func apply(settings: Settings, output: OutputFormat) async -> WorkerExit {
        await run(settings, output) { session, topology throws(AMQPError) in
            try TopologySurvey(session: session, creates: true).examine(topology)
        }
    }

    /// Makes what is missing and says nothing.
    package static func ensure(settings: Settings) async throws {
        try await withBroker(settings) { session, topology throws(AMQPError) in try session.apply(topology) }
    }

    /// Connects and hands over the session with the topology as it has to be, whether or not workers declare it.
    private static func withBroker<Value: Sendable>(
        _ settings: Settings,
        _ body: @escaping @Sendable (AMQPAdminSession, AMQPTopology) throws(AMQPError) -> Value
    ) async throws -> Value {
        let broker = BrokerConfiguration(settings: settings.amqp)
        var declared = broker.topology
        declared.mode = .declare
        let identity = WorkerIdentity.current(environment: SystemEnvironment())
        return try await AMQPAdmin.withConnection(broker.connection("topology", identity: identity)) {
            [declared] session throws(AMQPError) in
            try body(session, declared)
        }
    }

    private static func run(
        _ settings: Settings, _ output: OutputFormat,
        _ body: @escaping @Sendable (AMQPAdminSession, AMQPTopology) throws(AMQPError) -> [TopologyFinding]
    ) async -> WorkerExit {
        do {
            let (version, findings) = try await withBroker(settings) {
                session, topology throws(AMQPError) -> (String, [TopologyFinding]) in
                (session.server.version, try body(session, topology))
            }
            TopologyReport(version: version, findings: findings).show(output)
            return findings.contains { $0.state.isProblem } ? .configuration : .success
        } catch let error as AMQPError {
            CommandOutput.complain(error.description)
            return WorkerExit(error)
        } catch {
            CommandOutput.complain("\(error)")
            return .configuration
        }
    }
}

/// One object of the topology and how it stands.
struct TopologyFinding: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case present(messages: Int?)
        case missing
        case created
        case differs(String)

        var isProblem: Bool { if case .differs = self { true } else { false } }

        var word: String {
            switch self {
            case .present: "present"
            case .missing: "missing"
            case .created: "created"
            case .differs: "differs"
            }
        }
    }

    let kind: String
    let name: String
    let detail: String
    let state: State
}

/// Goes through a topology object by object, dead letters first.
///
/// Declaring what exists changes nothing and makes the broker compare every argument; that is how a difference shows
/// without the management API.
struct TopologySurvey {
    let session: AMQPAdminSession
    let creates: Bool

    func examine(_ topology: AMQPTopology) throws(AMQPError) -> [TopologyFinding] {
        var findings: [TopologyFinding] = []
        for exchange in topology.exchanges { findings.append(try examine(exchange)) }
        for queue in topology.queues { findings.append(try examine(queue)) }
        for binding in topology.bindings {
            if creates { try session.bind(binding) }
            let isMissing = findings.contains {
                $0.state == .missing && [binding.queue, binding.exchange].contains($0.name)
            }
            findings.append(
                TopologyFinding(
                    kind: "binding", name: "\(binding.exchange) → \(binding.queue)",
                    detail: binding.routingKey.isEmpty ? "" : "routing key \(binding.routingKey)",
                    state: isMissing ? .missing : .present(messages: nil)))
        }
        return findings
    }

    private func examine(_ exchange: AMQPTopology.Exchange) throws(AMQPError) -> TopologyFinding {
        let exists = try session.hasExchange(exchange.name)
        let state = try settle(exists, messages: nil) { () throws(AMQPError) in try session.declare(exchange) }
        return TopologyFinding(kind: "exchange", name: exchange.name, detail: exchange.kind, state: state)
    }

    private func examine(_ queue: AMQPTopology.Queue) throws(AMQPError) -> TopologyFinding {
        let found = try session.queue(queue.name)
        let state = try settle(found != nil, messages: found.map { Int($0.messageCount) }) { () throws(AMQPError) in
            _ = try session.declare(queue)
        }
        let arguments = queue.arguments.entries.map { "\($0.key)=\($0.value.shown)" }.joined(separator: " ")
        return TopologyFinding(kind: "queue", name: queue.name, detail: arguments, state: state)
    }

    private func settle(
        _ exists: Bool, messages: Int?, _ declare: () throws(AMQPError) -> Void
    ) throws(AMQPError) -> TopologyFinding.State {
        guard exists || creates else { return .missing }
        do throws(AMQPError) {
            try declare()
            return exists ? .present(messages: messages) : .created
        } catch  where error.code == .topologyMismatch {
            return .differs(error.description)
        }
    }
}

extension AMQPFieldValue {
    fileprivate var shown: String { stringValue ?? intValue.map(String.init) ?? "\(self)" }
}

/// The findings as text or JSON.
private struct TopologyReport {
    let version: String
    let findings: [TopologyFinding]

    func show(_ output: OutputFormat) {
        switch output {
        case .text: showText()
        case .json: showJSON()
        }
    }

    private func showText() {
        CommandOutput.print("broker: RabbitMQ \(version)")
        for finding in findings {
            let kind = finding.kind.padded(to: 9)
            var line = "\(finding.state.word.padded(to: 8)) \(kind) \(finding.name)"
            if !finding.detail.isEmpty { line += "  (\(finding.detail))" }
            if case .present(let messages?) = finding.state { line += "  \(messages) ready" }
            CommandOutput.print(line)
            if case .differs(let why) = finding.state { CommandOutput.print("         \(why)") }
        }
    }

    private func showJSON() {
        let objects = findings.map { finding in
            JSONValue.object(
                JSONObject([
                    "kind": .string(finding.kind), "name": .string(finding.name), "detail": .string(finding.detail),
                    "state": .string(finding.state.word),
                ]))
        }
        CommandOutput.print(
            JSONWriter.string(of: .object(JSONObject(["broker": .string(version), "objects": .array(objects)]))))
    }
}

extension String {
    /// The text filled up with blanks to `width` characters.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
