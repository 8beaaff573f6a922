// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP

extension DoctorBroker {
    /// What marks the messages of this command for whoever may ever see one.
    static let probeType = "nlu-export-worker.doctor"

    /// Whether the worker's user may publish events, found out without publishing one: RabbitMQ looks at the permission
    /// first, then refuses the impossible `expiration` (406), and routes only after that.
    func mayAnnounce() async -> DoctorFinding {
        let subject = "announcing"
        let exchange = settings.eventsExchange
        let message = probe(exchange: exchange, routingKey: "nlu.export.completed", expiration: "doctor")
        let findings = await trying(subject) { session throws(AMQPError) in
            guard session.server.product == "RabbitMQ" else {
                return [.skipped(subject, "not tried on a broker that is not RabbitMQ")]
            }
            do throws(AMQPError) {
                _ = try session.publish(message)
            } catch  where error.replyCode == 406 {
                return [.fine(subject, "events may be published to exchange \(exchange)")]
            } catch  where error.code == .notFound {
                return [.skipped(subject, "exchange \(exchange) is not there")]
            }
            return [.skipped(subject, "not to be known: the broker took a message that it should have refused")]
        }
        return findings.first ?? .skipped(subject, "not tried")
    }

    /// Whether the broker takes messages now: two go to the commands exchange under a routing key that no queue is
    /// bound with, and come back. At an alarm (memory, disk) the broker says `connection.blocked` to whoever publishes
    /// and reads no further.
    func takesMessages() async -> DoctorFinding {
        let subject = "publishing"
        do {
            let publisher = try AMQPPublisher(connection: await connection(), logger: surroundings.logger)
            let running = Task { await publisher.run() }
            let outcome = await outcome(of: publisher)
            let blocked = publisher.status.blockedReason
            // The connection's end is not worth waiting for: nothing that was published matters.
            running.cancel()
            if let blocked, case .failure = outcome { return Self.blocked(subject, blocked) }
            return Self.judge(outcome, subject, exchange: settings.commandExchange)
        } catch let error as AMQPError {
            return .failure(subject, error)
        } catch {
            return .failure(subject, "\(error)", remedy: "correct amqp.passwordFile", exit: .configuration)
        }
    }

    private func outcome(of publisher: AMQPPublisher) async -> Result<AMQPPublishResult, AMQPError> {
        let message = probe(
            exchange: settings.commandExchange, routingKey: "\(Self.probeType).\(surroundings.identity.instance)")
        do throws(AMQPError) {
            _ = try await publisher.publish(message, timeout: .seconds(4))
            return .success(try await publisher.publish(message, timeout: .seconds(3)))
        } catch {
            return .failure(error)
        }
    }

    static func judge(
        _ outcome: Result<AMQPPublishResult, AMQPError>, _ subject: String, exchange: String
    ) -> DoctorFinding {
        switch outcome {
        case .success(.unroutable):
            return .fine(subject, "messages are confirmed, and returned where no queue takes them")
        case .success(.routed):
            return .warning(
                subject, "a message without a matching binding was routed all the same",
                remedy: "see whether exchange \(exchange) has an alternate exchange, and whether that is meant")
        case .failure(let error) where error.replyCode == 404:
            return .skipped(subject, "exchange \(exchange) is not there")
        case .failure(let error) where error.replyCode == 403:
            return .skipped(subject, "not tried: this user may not publish to exchange \(exchange), as submit does")
        case .failure(let error): return .failure(subject, error)
        }
    }

    private static func blocked(_ subject: String, _ reason: String) -> DoctorFinding {
        .failure(
            subject, "the broker has an alarm and takes no messages (\(reason))",
            remedy: "free memory or disk on the broker's nodes: rabbitmq-diagnostics alarms", exit: .unavailable)
    }

    private func probe(exchange: String, routingKey: String, expiration: String? = nil) -> AMQPMessage {
        AMQPMessage(
            exchange: exchange, routingKey: routingKey,
            properties: AMQPProperties(
                contentType: "text/plain", deliveryMode: .transient, expiration: expiration,
                messageID: surroundings.identity.instance, type: Self.probeType, appID: "nlu-export-worker"),
            body: Array("probe".utf8))
    }
}
