// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP

extension DoctorBroker {
    /// What the worker needs and what is there. Declaring what exists makes the broker compare the arguments; where
    /// `amqp.declare` is false the user may lack the permission for that, and objects are only looked for.
    func topology() async -> [DoctorFinding] {
        var wanted = BrokerConfiguration(settings: settings).topology
        wanted.bindings = []
        let (topology, declares) = (wanted, settings.declare)
        return await trying("topology") { session throws(AMQPError) in
            let findings =
                declares
                ? try TopologySurvey(session: session, creates: false).examine(topology)
                : try Self.look(for: topology, session)
            return Self.judge(findings, declares: declares)
        }
    }

    private static func look(
        for topology: AMQPTopology, _ session: AMQPAdminSession
    ) throws(AMQPError) -> [TopologyFinding] {
        var findings: [TopologyFinding] = []
        for exchange in topology.exchanges {
            let exists = try session.hasExchange(exchange.name)
            findings.append(
                TopologyFinding(
                    kind: "exchange", name: exchange.name, detail: "",
                    state: exists ? .present(messages: nil) : .missing))
        }
        for queue in topology.queues {
            let exists = try session.queue(queue.name) != nil
            findings.append(
                TopologyFinding(
                    kind: "queue", name: queue.name, detail: "", state: exists ? .present(messages: nil) : .missing))
        }
        return findings
    }

    /// A line for everything that is missing or differs; one line where nothing is.
    static func judge(_ findings: [TopologyFinding], declares: Bool) -> [DoctorFinding] {
        let apply = "create it: nlu-export-worker topology apply"
        let troubles = findings.compactMap { finding -> DoctorFinding? in
            let subject = "topology \(finding.kind) \(finding.name)"
            switch finding.state {
            case .present, .created: return nil
            case .missing where declares:
                return .warning(subject, "is not there yet; the worker creates it at its start", remedy: apply)
            case .missing:
                return .failure(
                    subject, "is not there, and amqp.declare is false", remedy: apply, exit: .unavailable)
            case .differs(let why):
                return .failure(
                    subject, why, remedy: "see all differences with: nlu-export-worker topology plan",
                    exit: .configuration)
            }
        }
        guard troubles.isEmpty else { return troubles }
        let arguments = declares ? ", with the arguments they need" : " (amqp.declare is false: arguments are not seen)"
        return [.fine("topology", "\(findings.count) exchanges and queues are there\(arguments)")]
    }

    /// Messages and consumers of every queue, and whether this user may consume.
    func queues() async -> [DoctorFinding] {
        let (commands, dead) = (settings.commandQueues, settings.deadQueue)
        return await trying("queues") { session throws(AMQPError) in
            var findings: [DoctorFinding] = []
            for name in commands {
                guard let state = try session.queue(name) else { continue }
                findings.append(Self.judge(commands: state))
                if state.messageCount == 0 { findings += try Self.mayConsume(name, session) }
            }
            if let state = try session.queue(dead) { findings.append(Self.judge(dead: state)) }
            return findings.isEmpty ? [.skipped("queues", "none of them is there")] : findings
        }
    }

    static func judge(commands state: AMQPQueueState) -> DoctorFinding {
        let found = "\(state.messageCount) ready, \(state.consumerCount) consumers"
        guard state.messageCount > 0, state.consumerCount == 0 else { return .fine("queue \(state.name)", found) }
        return .warning(
            "queue \(state.name)", "\(found): nobody takes the commands",
            remedy: "start a worker: nlu-export-worker run")
    }

    static func judge(dead state: AMQPQueueState) -> DoctorFinding {
        guard state.messageCount > 0 else { return .fine("queue \(state.name)", "no dead letters") }
        return .warning(
            "queue \(state.name)", "\(state.messageCount) dead letters",
            remedy: "the audit record of each command says why it failed (error.code); mend that and submit it again")
    }

    /// Asks an empty queue for a message: a user who may not read is refused. A command that comes in between goes back
    /// at once; a queue that has messages is not asked, since every return counts towards its delivery limit.
    private static func mayConsume(
        _ name: String, _ session: AMQPAdminSession
    ) throws(AMQPError) -> [DoctorFinding] {
        do throws(AMQPError) {
            if let delivery = try session.get(queue: name) { try session.settle(delivery.tag, .requeue) }
            return []
        } catch  where error.code == .accessRefused {
            return [.failure("queue \(name)", error)]
        } catch  where error.replyCode != nil {
            // A queue that answers no such question (one with a single active consumer) tells nothing of permissions.
            return []
        }
    }
}
