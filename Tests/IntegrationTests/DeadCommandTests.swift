// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// `dead list` and `dead show`: what they tell, and that looking leaves every dead letter where it is.
@Suite(.enabled(if: Stack.isAvailable)) struct DeadCommandTests {
    // MARK: Nothing is lost

    @Test func aHundredLooksLeaveEveryDeadLetter() async throws {
        try await Stack.run { stack in
            try await fill(stack)
            let first = try await list(stack)
            #expect(first.count == 5)
            let names = first.compactMap { $0["commandId"]?.string ?? $0["messageId"]?.string }
            for number in 1...50 {
                let listed = try await list(stack, "--limit", "\(1 + number % 5)")
                #expect(listed == Array(first.prefix(1 + number % 5)), "look \(number)")
                let position = 1 + number % 5
                let shown = number.isMultiple(of: 2) ? "\(position)" : names[position - 1]
                let show = try await stack.finish(["dead", "show", shown, "--output", "json"])
                let letter = try StrictJSON.parse(Array(show.output.utf8))["letters"]?.array?.first
                #expect(letter?["digest"] == first[position - 1]["digest"], "look \(number)")
            }
            #expect(try await list(stack) == first)
            #expect(try await AMQPTestBroker.waitForReady(stack.names.dead, 5))
            let letters = try await stack.takeDeadLetters()
            #expect(letters.map(\.properties.messageID) == first.map { $0["messageId"]?.string })
            #expect(letters.map { $0.body.count } == first.map { $0["bodyBytes"]?.int })
            // Each look counted the letters it took once, and no look took less than the first.
            let counts = letters.map { $0.properties.headers["x-delivery-count"]?.intValue }
            #expect(counts.first == 102, "\(counts)")
        }
    }

    @Test(arguments: [SIGKILL, SIGINT])
    func aLookThatIsStoppedHalfwayLosesNothing(signal: Int32) async throws {
        try await Stack.run { stack in
            let count = 300
            try await AMQPTestBroker.fill(stack.names.dead, count: count, body: Array("{}".utf8))
            let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
            defer { proxy.close() }
            let isHalfway = Watched(false)
            // The message in the middle is about the last thing that reaches the program for now.
            proxy.mangle { bytes in
                guard bytes.firstRange(of: Array("m50".utf8)) != nil, !isHalfway.value else { return }
                proxy.stall(true)
                isHalfway.update { $0 = true }
            }
            let variables = ["NLU_EXPORT_AMQP_URL": try Stack.brokerURL(port: proxy.port)]
            let process = try stack.start(["dead", "list", "--limit", "\(count)"], overriding: variables)
            #expect(await isHalfway.wait { $0 })
            #expect(try await stack.waitForReady(stack.names.dead, 0), "they are held")
            process.send(signal)
            if signal == SIGINT { #expect(await process.wait(forErrors: "stopping"), "\(process.errors)") }
            proxy.stall(false)
            #expect(await process.end() == (signal == SIGINT ? .exit(75) : .signal(SIGKILL)), "\(process.errors)")
            #expect(try await AMQPTestBroker.waitForReady(stack.names.dead, count))
            let letters = try await stack.takeDeadLetters()
            #expect(letters.compactMap(\.properties.messageID) == (0..<count).map { "m\($0)" })
        }
    }

    // MARK: What they tell

    @Test func listsAndShowsWhyEachOfThemDied() async throws {
        try await Stack.run { stack in
            try await fill(stack)
            let letters = try await list(stack)
            let codes = letters.map { $0["failure"]?["code"]?.string ?? "(\($0["record"]?.string ?? "?"))" }
            #expect(
                codes.sorted() == [
                    "(nothing)", "export_failed", "invalid_command", "model_not_found", "unknown_tenant",
                ])
            #expect(letters.compactMap { $0["when"]?.string }.count == 4)
            #expect(try await list(stack, "--code", "export_failed").map { $0["commandId"]?.string } == ["failed"])
            #expect(try await list(stack, "--tenant", "nobody").count == 1)
            #expect(try await list(stack, "--model", "scenario-model-missing").count == 1)
            #expect(try await list(stack, "--newer-than", "1h").count == 4)
            #expect(try await list(stack, "--older-than", "1h").isEmpty)

            let (text, _) = try await stack.finish(["dead", "list"])
            #expect(text.contains("test") && text.contains("5 dead letters, 5 shown"), "\(text)")
            for code in codes where !code.hasPrefix("(") { #expect(text.contains(code), "\(text)") }

            let (show, _) = try await stack.finish(["dead", "show", "missing"])
            let audit = try #require(
                try await stack.audits().first { $0["command_id"] as? String == "missing" }?["record_id"] as? String)
            let bucket = stack.store.configuration.bucket
            for part in [
                "model_not_found", "HTTP status     404", "s3://\(bucket)/state/default/missing.json", "/\(audit).json",
                "submit --model scenario-model-missing", #""modelId": "scenario-model-missing""#, "x-death",
            ] { #expect(show.contains(part), "\(part) is missing in:\n\(show)") }
        }
    }

    @Test func whatIsNotThereIsSaid() async throws {
        try await Stack.run { stack in
            let empty = try await stack.finish(["dead", "list"])
            #expect(empty.output.contains("holds 0 dead letters"))
            let position = try await stack.finish(["dead", "show", "1"], exit: 64)
            #expect(position.errors.contains("holds 0") && position.output.isEmpty)
            _ = try await stack.finish(["dead", "show", "some-id", "--output", "json"], exit: 64)
            let none = try await stack.finish(
                ["dead", "list"], overriding: ["NLU_EXPORT_AMQP_DEAD_QUEUE": AMQPTestBroker.uniqueName()], exit: 69)
            #expect(none.errors.contains("topology apply"))
        }
    }

    @Test(arguments: [
        ["NLU_EXPORT_S3_ENDPOINT": "http://127.0.0.1:1"], ["AWS_SECRET_ACCESS_KEY": "wrong"],
        ["NLU_EXPORT_S3_BUCKET": "not-there"], ["NLU_EXPORT_S3_BUCKET": ""],
    ])
    func withoutTheBucketTheMessagesStillTell(changes: [String: String]) async throws {
        try await Stack.run { stack in
            try await fill(stack)
            let (text, errors) = try await stack.finish(["dead", "list"], overriding: changes)
            #expect(text.contains("(unknown)") && text.contains("scenario-model-missing"), "\(text)")
            #expect(text.contains("rejected from \(stack.names.commands)"), "\(text)")
            #expect(errors.contains("why they are dead is not to be known: "))
            let filtered = try await stack.finish(
                ["dead", "list", "--code", "export_failed"], overriding: changes, exit: 69)
            #expect(filtered.errors.contains("5 more may be meant"), "\(filtered.errors)")
            let show = try await stack.finish(["dead", "show", "failed"], overriding: changes)
            #expect(show.output.contains("scenario-job-failed") && show.errors.contains("not to be known"))
            #expect(try await stack.takeDeadLetters().count == 5)
        }
    }

    // MARK: Queues that take messages back seldom

    @Test func aQueueThatSomebodyElseDeclaredIsLookedAtWithCare() async throws {
        try await Stack.run { stack in
            let arguments: AMQPTable = ["x-queue-type": "quorum", "x-delivery-limit": 12]
            try await AMQPTestBroker.withQueue(arguments: arguments) { queue in
                try await AMQPTestBroker.fill(queue, count: 1, body: Array("{}".utf8))
                let dead = ["NLU_EXPORT_AMQP_DEAD_QUEUE": queue]
                for _ in 0..<6 {
                    let (text, errors) = try await stack.finish(["dead", "list"], overriding: dead)
                    #expect(text.contains("m0"))
                    #expect(
                        errors.contains("looked at more than 12 times (its argument x-delivery-limit)"), "\(errors)")
                }
                let refused = try await stack.finish(["dead", "list"], overriding: dead, exit: 78)
                #expect(!refused.output.contains("m0") && refused.errors.contains("returned 6 times already"))
                let forced = try await stack.finish(["dead", "show", "m0", "--anyway"], overriding: dead)
                #expect(forced.output.contains("m0"))
                #expect(try await AMQPTestBroker.waitForReady(queue, 1))
            }
        }
    }

    @Test func aQueueThatTakesNothingBackIsNotLookedAt() async throws {
        try await Stack.run { stack in
            let arguments: AMQPTable = ["x-queue-type": "quorum", "x-delivery-limit": 1]
            try await AMQPTestBroker.withQueue(arguments: arguments) { queue in
                try await AMQPTestBroker.fill(queue, count: 1)
                let refused = try await stack.finish(
                    ["dead", "list", "--anyway"], overriding: ["NLU_EXPORT_AMQP_DEAD_QUEUE": queue], exit: 78)
                #expect(refused.errors.contains("nothing was looked at"))
                let delivery = try await stack.onBroker { session throws(AMQPError) in try session.get(queue: queue) }
                #expect(delivery?.isRedelivered == false)
            }
        }
    }

    /// A classic queue, or one without a limit of its own: what the broker's own default is decides.
    @Test func theBrokersDefaultIsKnown() async throws {
        try await Stack.run { stack in
            try await AMQPTestBroker.withQueue(arguments: ["x-queue-type": "quorum"]) { queue in
                let server = try await stack.onBroker { session throws(AMQPError) in session.server }
                let (_, errors) = try await stack.finish(
                    ["dead", "list"], overriding: ["NLU_EXPORT_AMQP_DEAD_QUEUE": queue])
                #expect(errors.contains("more than 20 times") == server.isAtLeast(4, 0), "\(errors)")
            }
            try await AMQPTestBroker.withQueue(arguments: AMQPTable()) { queue in
                try await AMQPTestBroker.fill(queue, count: 3, body: Array("{}".utf8))
                let (text, errors) = try await stack.finish(
                    ["dead", "list"], overriding: ["NLU_EXPORT_AMQP_DEAD_QUEUE": queue])
                #expect(text.contains("3 shown") && errors.isEmpty, "\(errors)")
            }
        }
    }

    // MARK: Parts

    /// Dead letters of four kinds that a worker rejected, and one that none did.
    private func fill(_ stack: Stack) async throws {
        let dead = stack.names.dead
        try await stack.withWorkers {
            try await stack.submit(model: "scenario-model-missing", id: "missing")
            try await stack.submit(model: "scenario-job-failed", id: "failed")
            try await stack.publish(
                Array(#"{"commandId":"stranger","tenant":"nobody","modelId":"m","version":"1"}"#.utf8),
                messageID: "stranger")
            try await stack.publish(Array("nonsense".utf8), messageID: "broken")
            try #require(try await stack.waitForReady(dead, 4))
        }
        try await AMQPTestBroker.fill(dead, count: 1, body: Array(#"{"modelId":"m","version":"1"}"#.utf8))
        try #require(try await stack.waitForReady(dead, 5))
    }

    private func list(_ stack: Stack, _ arguments: String...) async throws -> [ExportPipeline.JSONValue] {
        let (output, _) = try await stack.finish(["dead", "list", "--output", "json"] + arguments)
        return try #require(try StrictJSON.parse(Array(output.utf8))["letters"]?.array)
    }
}
