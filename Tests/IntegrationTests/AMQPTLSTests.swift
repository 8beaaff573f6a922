// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import TestKit
import Testing

/// Certificates of our own, and a TLS listener that the broker opens for the length of a test.
private struct TLSBroker {
    let folder: URL
    let port: Int

    var caFile: String { folder.appending(path: "ca.pem").path }
    var certificateFile: String { folder.appending(path: "client.pem").path }
    var keyFile: String { folder.appending(path: "client.key").path }

    static let recipe = """
        set -e
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
        for name in server client; do
            openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
            printf 'subjectAltName=DNS:localhost\\n' > $name.ext
            openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
                -extfile $name.ext -out $name.pem
        done
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout other.key -out other.pem
        openssl rsa -aes128 -passout pass:secret -in client.key -out encrypted.key
        chmod a+rX . *
        """

    /// Makes the files and lets the broker listen; `options` are Erlang terms.
    static func start(options: String) async throws -> TLSBroker {
        let folder = FileManager.default.temporaryDirectory.appending(path: AMQPTestBroker.uniqueName("nlu-tls"))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try #require(await run("/bin/sh", ["-c", recipe], in: folder) == 0)
        // A port nobody uses: that of a proxy which is closed again.
        let proxy = try TCPProxy(to: 1)
        proxy.close()
        let broker = TLSBroker(folder: folder, port: proxy.port)
        let path = folder.path
        try await AMQPTestBroker.control(
            "eval",
            """
            rabbit_networking:ensure_ssl(), rabbit_networking:start_ssl_listener(\(broker.port), \
            [{cacertfile,"\(path)/ca.pem"},{certfile,"\(path)/server.pem"},{keyfile,"\(path)/server.key"},\
            \(options)], 1).
            """)
        return broker
    }

    func stop() async throws {
        // The broker has no command to stop a single listener.
        try await AMQPTestBroker.control(
            "eval",
            """
            [begin supervisor:terminate_child(rabbit_sup, Id), supervisor:delete_child(rabbit_sup, Id) end || \
            {Id, _, _, _} <- supervisor:which_children(rabbit_sup), is_atom(Id), \
            lists:suffix(":\(port)", atom_to_list(Id))].
            """)
        try FileManager.default.removeItem(at: folder)
    }

    private static func run(_ command: String, _ arguments: [String], in folder: URL) async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let process = Process()
                process.executableURL = URL(filePath: command)
                process.arguments = arguments
                process.currentDirectoryURL = folder
                process.standardError = FileHandle.nullDevice
                process.standardOutput = FileHandle.nullDevice
                do {
                    try process.run()
                    process.waitUntilExit()
                    continuation.resume(returning: process.terminationStatus)
                } catch {
                    continuation.resume(returning: -1)
                }
            }
        }
    }

    /// Connects and says what the broker is, or why not.
    func connect(host: String = "localhost", tls: AMQPTLS) async throws -> Result<AMQPServerInfo, AMQPError> {
        var configuration = try AMQPTestBroker.configuration()
        configuration.endpoints[0].host = host
        configuration.endpoints[0].port = port
        configuration.endpoints[0].useTLS = true
        configuration.tls = tls
        let ready = configuration
        return await result { () async throws(AMQPError) in
            try await AMQPAdmin.withConnection(ready) { (session) throws(AMQPError) in session.server }
        }
    }

    func failure(host: String = "localhost", tls: AMQPTLS) async throws -> AMQPError? {
        if case .failure(let error) = try await connect(host: host, tls: tls) { error } else { nil }
    }
}

private func withTLSBroker(options: String, _ body: (TLSBroker) async throws -> Void) async throws {
    let broker = try await TLSBroker.start(options: options)
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(broker))
    } catch {
        result = .failure(error)
    }
    try await broker.stop()
    try result.get()
}

@Suite(.enabled(if: AMQPTestBroker.isControllable), .serialized, .timeLimit(.minutes(2)))
struct AMQPTLSTests {
    @Test func trustsOnlyWhatItShould() async throws {
        try await withTLSBroker(options: "{verify,verify_none}") { (broker) async throws in
            let server = try await broker.connect(tls: AMQPTLS(caFile: broker.caFile)).get()
            #expect(server.product == "RabbitMQ")

            let unknown = try await broker.failure(
                tls: AMQPTLS(caFile: broker.folder.appending(path: "other.pem").path))
            #expect(unknown?.code == .tls)
            #expect(unknown?.message.contains("other.pem") == true)
            // The system's authorities do not know ours.
            #expect(try await broker.failure(tls: AMQPTLS())?.code == .tls)
            let address = try await broker.failure(host: "127.0.0.1", tls: AMQPTLS(caFile: broker.caFile))
            #expect(address?.code == .tls)
            #expect(address?.message.contains("name instead of its address") == true)
            let missing = try await broker.failure(tls: AMQPTLS(caFile: "/nonexistent/ca.pem"))
            #expect(missing?.code == .tls)
            #expect(missing?.message.contains("/nonexistent/ca.pem") == true)
        }
    }

    @Test func refusesOldTLS() async throws {
        try await withTLSBroker(options: "{versions,['tlsv1.1']},{verify,verify_none}") { (broker) async throws in
            #expect(try await broker.failure(tls: AMQPTLS(caFile: broker.caFile))?.code == .tls)
        }
    }

    @Test func speaksTheNewestTLS() async throws {
        try await withTLSBroker(options: "{versions,['tlsv1.3']},{verify,verify_none}") { (broker) async throws in
            _ = try await broker.connect(tls: AMQPTLS(caFile: broker.caFile)).get()
        }
    }

    @Test func presentsItsCertificate() async throws {
        let options = "{versions,['tlsv1.2']},{verify,verify_peer},{fail_if_no_peer_cert,true}"
        try await withTLSBroker(options: options) { (broker) async throws in
            var tls = AMQPTLS(caFile: broker.caFile)
            #expect(try await broker.failure(tls: tls)?.code == .tls)
            tls.certificateFile = broker.certificateFile
            tls.keyFile = broker.keyFile
            _ = try await broker.connect(tls: tls).get()
            // An encrypted key is an error, not a question on the terminal.
            tls.keyFile = broker.folder.appending(path: "encrypted.key").path
            let encrypted = try await broker.failure(tls: tls)
            #expect(encrypted?.code == .tls)
            #expect(encrypted?.isRetriable == false)
        }
    }

    @Test func carriesMessagesBothWays() async throws {
        try await AMQPTestBroker.withQueue { queue in
            try await withTLSBroker(options: "{verify,verify_none}") { (broker) async throws in
                var configuration = try AMQPTestBroker.configuration()
                configuration.endpoints[0].host = "localhost"
                configuration.endpoints[0].port = broker.port
                configuration.endpoints[0].useTLS = true
                configuration.tls = AMQPTLS(caFile: broker.caFile)
                let secure = configuration
                let body = [UInt8](repeating: 3, count: 300_000)
                try await withPublisher(configuration: secure) { (publisher, _) async throws in
                    try await withThrowingTaskGroup(of: AMQPPublishResult.self) { group in
                        for index in 0..<40 {
                            let message = AMQPTestBroker.message(queue, "m\(index)", body: body)
                            group.addTask { try await publisher.publish(message) }
                        }
                        for try await outcome in group { #expect(outcome == .routed) }
                    }
                }
                try await withConsumer(
                    [queue], prefetch: 40, maximumBodyBytes: 1 << 20, configuration: secure
                ) { (consumer, _) async throws in
                    let deliveries = await consumer.take(40)
                    #expect(deliveries.allSatisfy { $0.body == body })
                    for delivery in deliveries { #expect(await consumer.settle(delivery.tag, .acknowledge) == .sent) }
                }
            }
        }
    }
}
