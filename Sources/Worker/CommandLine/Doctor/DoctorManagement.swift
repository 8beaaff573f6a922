// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import HTTPTransport

/// What only the broker's management API tells: alarms, bindings, and where a queue's rejected commands go.
struct DoctorManagement: Sendable {
    static let apiCheck = "management API"

    private let settings: Settings
    private let api: BrokerManagementAPI?

    init(_ surroundings: DoctorSurroundings, endpoint: AMQPEndpoint?) {
        self.init(settings: surroundings.settings, http: surroundings.http, endpoint: endpoint)
    }

    init(settings: Settings, http: HTTPClient, endpoint: AMQPEndpoint?) {
        self.settings = settings
        api = BrokerManagementAPI(settings: settings.amqp, endpoint: endpoint, http: http)
    }

    private var amqp: Settings.AMQP { settings.amqp }

    var checks: [DoctorCheck] {
        var checks: [DoctorCheck] = []
        if let api {
            checks.append(DoctorCheck(Self.apiCheck) { await [overview(api)] })
            checks.append(DoctorCheck("broker alarms", needs: [Self.apiCheck]) { await [alarms(api)] })
        }
        checks.append(DoctorCheck("event subscribers") { await [subscribers()] })
        if !amqp.declare { checks.append(DoctorCheck("dead-letter target") { await deadLetterTargets() }) }
        return checks
    }

    private func overview(_ api: BrokerManagementAPI) async -> DoctorFinding {
        do throws(BrokerManagementError) {
            let version = try await api.get(["overview"])?["rabbitmq_version"]?.string ?? "without a version"
            return .fine(Self.apiCheck, "\(api.shown) answers as RabbitMQ \(version)")
        } catch {
            return .management(Self.apiCheck, error, isNeeded: !amqp.declare && !amqp.deadAssumeConfigured)
        }
    }

    private func alarms(_ api: BrokerManagementAPI) async -> DoctorFinding {
        let subject = "broker alarms"
        do throws(BrokerManagementError) {
            // 503 is this call's way to say that there are some.
            let answer = try await api.get(["health", "checks", "alarms"], accepting: [503])
            guard answer?["status"]?.string == "failed" else { return .fine(subject, "none") }
            return .failure(
                subject, Self.shown(answer?["alarms"]?.array ?? []),
                remedy: "free memory or disk on the broker's nodes: rabbitmq-diagnostics alarms", exit: .unavailable)
        } catch {
            return .skipped(subject, "not to be known, because of: \(error.message)")
        }
    }

    static func shown(_ alarms: [JSONValue]) -> String {
        let each = alarms.prefix(8).map { alarm in
            "\(alarm["resource"]?.string ?? "resource") of \(alarm["node"]?.string ?? "a node")"
        }
        return each.isEmpty ? "there are some" : each.joined(separator: ", ")
    }

    // MARK: Events

    /// Whether a completion event would reach a queue.
    private func subscribers() async -> DoctorFinding {
        let subject = "event subscribers"
        guard let api else { return unseenSubscribers(subject) }
        do throws(BrokerManagementError) {
            guard let bindings = try await api.bindings(from: amqp.eventsExchange) else {
                return .skipped(subject, "exchange \(amqp.eventsExchange) is not there")
            }
            return Self.judge(
                bindings, subject, exchange: amqp.eventsExchange, requiresRoute: settings.events.requireRoute)
        } catch {
            return .skipped(subject, "not to be known, because of: \(error.message)")
        }
    }

    static func judge(
        _ bindings: [BrokerBinding], _ subject: String, exchange: String, requiresRoute: Bool
    ) -> DoctorFinding {
        let takers = bindings.filter { TopicPattern.matches($0.routingKey, key: "nlu.export.completed") }
        guard takers.isEmpty else {
            let names = takers.prefix(5).map(\.destination).joined(separator: ", ")
            return .fine(subject, "nlu.export.completed reaches \(names)\(takers.count > 5 ? " and others" : "")")
        }
        let remedy = "bind a queue to exchange \(exchange) with nlu.export.#, or set amqp.events.archiveQueue"
        guard requiresRoute else {
            return .warning(subject, "nothing is bound to receive nlu.export.completed", remedy: remedy)
        }
        return .failure(
            subject,
            "nothing is bound to receive nlu.export.completed, and events.requireRoute holds every command "
                + "back until something is", remedy: remedy, exit: .unavailable)
    }

    /// AMQP itself does not show bindings, and an event that is published to find out would be taken for a real one.
    private func unseenSubscribers(_ subject: String) -> DoctorFinding {
        if amqp.declare, let queue = amqp.eventsArchiveQueue {
            return .fine(subject, "the worker binds \(queue) to all events")
        }
        return .skipped(subject, "not to be known without amqp.management.url")
    }

    // MARK: Dead letters

    /// With `amqp.declare: false` nothing else proves that a rejected command is kept.
    func deadLetterTargets() async -> [DoctorFinding] {
        let subject = "dead-letter target"
        guard !amqp.deadAssumeConfigured else {
            return [.fine(subject, "not looked at: amqp.dead.assumeConfigured vouches for it")]
        }
        guard let api else {
            return [
                .failure(
                    subject, "cannot be seen: amqp.declare is false, and a rejected command without a target is lost",
                    remedy: "set amqp.management.url, or vouch for it with amqp.dead.assumeConfigured: true",
                    exit: .configuration)
            ]
        }
        var findings: [DoctorFinding] = []
        for queue in amqp.commandQueues {
            do throws(BrokerManagementError) {
                findings.append(try await Self.deadLetterTarget(of: queue, api))
            } catch {
                findings.append(.management(subject, error, isNeeded: true))
            }
        }
        return findings
    }

    private static func deadLetterTarget(
        of queue: String, _ api: BrokerManagementAPI
    ) async throws(BrokerManagementError) -> DoctorFinding {
        let subject = "dead-letter target of \(queue)"
        guard let description = try await api.get(["queues", api.virtualHost, queue]) else {
            return .failure(
                subject, "the queue is not there", remedy: "create it: nlu-export-worker topology apply",
                exit: .unavailable)
        }
        guard let exchange = deadLetterExchange(description) else {
            return .failure(
                subject, "the queue has none: a rejected command would be lost",
                remedy: "set x-dead-letter-exchange (an argument of the queue, or dead-letter-exchange in a policy)",
                exit: .configuration)
        }
        // The default exchange routes by the queue's name; nothing is bound to it visibly.
        if exchange.isEmpty { return .fine(subject, "the default exchange") }
        let bindings = try await api.bindings(from: exchange) ?? []
        guard !bindings.isEmpty else {
            return .failure(
                subject, "exchange \(exchange), to which no queue is bound: a rejected command would be lost",
                remedy: "bind the dead-letter queue to it: nlu-export-worker topology apply", exit: .configuration)
        }
        let queues = bindings.prefix(8).map(\.destination).joined(separator: ", ")
        return .fine(subject, "exchange \(exchange), from there to \(queues)")
    }

    static func deadLetterExchange(_ queue: JSONValue) -> String? {
        queue["arguments"]?["x-dead-letter-exchange"]?.string
            ?? queue["effective_policy_definition"]?["dead-letter-exchange"]?.string
    }
}

extension DoctorFinding {
    /// The management API is a help; its absence is a failure only where something rests on it.
    fileprivate static func management(
        _ subject: String, _ error: BrokerManagementError, isNeeded: Bool
    ) -> DoctorFinding {
        guard isNeeded else { return .warning(subject, error.message, remedy: error.remedy) }
        return .failure(subject, error.message, remedy: error.remedy, exit: error.exit)
    }
}
