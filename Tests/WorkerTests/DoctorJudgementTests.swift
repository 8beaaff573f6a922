// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import ExportPipeline
import FoundationEssentials
import HTTPTransport
import Testing

@testable import Worker

@Suite struct DoctorJudgementTests {
    private static let capabilities: Set<String> = [
        "publisher_confirms", "basic.nack", "consumer_cancel_notify", "connection.blocked",
    ]

    @Test(
        arguments: [
            ("RabbitMQ", "3.10.8", .fine), ("RabbitMQ", "4.0.5", .fine), ("RabbitMQ", "3.9.1", .warning),
            ("LavinMQ", "2.1.0", .warning),
        ] as [(String, String, DoctorFinding.State)])
    func knowsTheBrokersItIsMadeFor(_ product: String, _ version: String, _ state: DoctorFinding.State) {
        let server = AMQPServerInfo(product: product, version: version, capabilities: Self.capabilities)
        let finding = DoctorBroker.judge(server, "broker", place: "amqp://u@h:1 (virtual host '/')")
        #expect(finding.state == state)
        #expect(finding.text.hasPrefix("amqp://u@h:1 (virtual host '/') is \(product) \(version)"))
    }

    @Test func aBrokerWithoutConfirmsIsRefused() {
        let server = AMQPServerInfo(
            product: "RabbitMQ", version: "3.10.8", capabilities: Self.capabilities.subtracting(["publisher_confirms"]))
        let finding = DoctorBroker.judge(server, "broker", place: "b")
        #expect(finding.state == .failure(.unavailable))
        #expect(finding.text.contains("publisher_confirms") && !finding.text.contains("basic.nack"))
    }

    @Test func whatIsMissingMattersMoreWhereNothingIsDeclared() {
        let missing = [TopologyFinding(kind: "queue", name: "q", detail: "", state: .missing)]
        let declaring = DoctorBroker.judge(missing, declares: true)
        let looking = DoctorBroker.judge(missing, declares: false)
        #expect(declaring.map(\.state) == [.warning])
        #expect(looking.map(\.state) == [.failure(.unavailable)])
        #expect((declaring + looking).allSatisfy { $0.remedy?.contains("topology apply") == true })
    }

    @Test func aDifferenceIsAFaultOfTheConfiguration() {
        let findings = DoctorBroker.judge(
            [
                TopologyFinding(kind: "exchange", name: "e", detail: "", state: .present(messages: nil)),
                TopologyFinding(kind: "queue", name: "q", detail: "", state: .differs("another 'x-delivery-limit'")),
            ], declares: true)
        #expect(findings.map(\.state) == [.failure(.configuration)])
        #expect(findings.map(\.subject) == ["topology queue q"])
    }

    @Test func deadLettersAndWaitingCommandsAreWarnings() {
        func state(_ messages: UInt32, _ consumers: UInt32) -> AMQPQueueState {
            AMQPQueueState(name: "q", messageCount: messages, consumerCount: consumers)
        }
        #expect(DoctorBroker.judge(dead: state(0, 0)).state == .fine)
        #expect(DoctorBroker.judge(dead: state(1, 0)).state == .warning)
        #expect(DoctorBroker.judge(commands: state(0, 0)).state == .fine)
        #expect(DoctorBroker.judge(commands: state(5, 1)).state == .fine)
        #expect(DoctorBroker.judge(commands: state(5, 0)).state == .warning)
    }

    @Test(
        arguments: [
            (.success(.unroutable(replyText: "NO_ROUTE")), .fine), (.success(.routed), .warning),
            (.failure(AMQPError(.connectionLost, "closed", replyCode: 404)), .skipped),
            (.failure(AMQPError(.connectionLost, "closed", replyCode: 403)), .skipped),
            (.failure(AMQPError(.confirmTimeout, "late")), .failure(.unavailable)),
        ] as [(Result<AMQPPublishResult, AMQPError>, DoctorFinding.State)])
    func judgesAPublishedProbe(_ outcome: Result<AMQPPublishResult, AMQPError>, _ state: DoctorFinding.State) {
        #expect(DoctorBroker.judge(outcome, "publishing", exchange: "x").state == state)
    }

    @Test(arguments: [
        ("nlu.export.completed", true), ("#", true), ("nlu.#", true), ("nlu.export.*", true), ("*.*.completed", true),
        ("#.completed", true), ("nlu.export.completed.#", true), ("nlu.#.#", true), ("nlu.*", false),
        ("nlu.export.failed", false), ("nlu.export.completed.*", false), ("", false), ("*", false), ("#.failed", false),
    ])
    func matchesTopicsAsTheBrokerDoes(_ pattern: String, _ expected: Bool) {
        #expect(TopicPattern.matches(pattern, key: "nlu.export.completed") == expected)
    }

    @Test func anEventThatReachesNobodyIsAFailureOnlyWhereItHoldsCommandsBack() {
        func judge(_ key: String, requires: Bool) -> DoctorFinding {
            DoctorManagement.judge(
                [BrokerBinding(destination: "archive", routingKey: key)], "event subscribers", exchange: "e",
                requiresRoute: requires)
        }
        #expect(judge("#", requires: true).state == .fine)
        #expect(judge("#", requires: true).text.contains("archive"))
        #expect(judge("nlu.export.failed", requires: false).state == .warning)
        #expect(judge("nlu.export.failed", requires: true).state == .failure(.unavailable))
    }

    @Test(
        arguments: [
            (#"{"arguments":{"x-dead-letter-exchange":"dead"}}"#, "dead"),
            (#"{"arguments":{},"effective_policy_definition":{"dead-letter-exchange":"policy"}}"#, "policy"),
            (#"{"arguments":{},"effective_policy_definition":{"max-length":1}}"#, nil), (#"{"arguments":[]}"#, nil),
        ] as [(String, String?)])
    func findsTheDeadLetterTarget(_ queue: String, _ expected: String?) throws {
        #expect(DoctorManagement.deadLetterExchange(try StrictJSON.parse(Array(queue.utf8))) == expected)
    }

    @Test func decodesAccountsInURLs() {
        #expect(BrokerManagementAPI.decoded("p%40ss%2Fw") == "p@ss/w")
        #expect(BrokerManagementAPI.decoded("100%") == "100%")
        #expect(BrokerManagementAPI.decoded("%+1%zz") == "%+1%zz")
        #expect(BrokerManagementAPI.decoded("%ff") == "%ff")
    }

    @Test(
        arguments: [
            (nil, .skipped), (0.4, .fine), (-30, .fine), (61, .warning), (-900, .warning), (.infinity, .skipped),
        ] as [(Double?, DoctorFinding.State)])
    func warnsOfClocksThatDiffer(_ difference: Double?, _ state: DoctorFinding.State) {
        #expect(DoctorStore.judge(clockDifference: difference).state == state)
    }

    @Test func readsTheServersClockAndTheTokensLifetime() throws {
        let sent = Date(timeIntervalSince1970: 784_111_700)
        let note = DoctorTransport.note(
            HTTPResponse(
                status: 200, headers: ["Date": "Sun, 06 Nov 1994 08:49:37 GMT"],
                body: Array(#"{"access_token":"t","expires_in":"900"}"#.utf8)),
            sentAt: sent, receivedAt: sent.addingTimeInterval(4))
        #expect(note.tokenLifetime == 900)
        #expect(try #require(note.clockDifference) == 784_111_777.5 - 784_111_702)
        let silent = DoctorTransport.note(
            HTTPResponse(status: 200, headers: ["Date": "yesterday"], body: []), sentAt: sent, receivedAt: sent)
        #expect(silent.clockDifference == nil && silent.tokenLifetime == nil)
    }

    @Test(
        arguments: [
            (401, nil, .refused, "clientSecret"), (404, nil, .configuration, "tokenPath"),
            (502, nil, .unavailable, "later"), (301, nil, .configuration, "baseUrl"),
            (nil, .resolve, .unavailable, "name service"), (nil, .tls, .unavailable, "caFile"),
            (nil, .timeout, .unavailable, "firewall"), (nil, nil, .configuration, "clientSecretFile"),
        ] as [(Int?, HTTPError.Code?, WorkerExit, String)])
    func knowsTheRemedyForATenant(_ status: Int?, _ failure: HTTPError.Code?, _ exit: WorkerExit, _ word: String) {
        let found = DoctorTenant.remedy(status: status, failure: failure, key: "cognigy.tenants.acme")
        #expect(found.0 == exit)
        #expect(found.1.contains(word), "\(found.1)")
    }
}
