// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTransport
import Logging
import Testing

private let hasOpenSSL = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")

/// Against `openssl s_server`, with certificates made for each test.
@Suite(.timeLimit(.minutes(1)), .enabled(if: hasOpenSSL)) struct TLSTests {
    @Test func aCertificateNobodyVouchesForIsRefused() async throws {
        let server = try TLSServer()
        defer { server.stop() }
        let client = HTTPClient(logger: Logger(label: "test"))
        let request = get("https://127.0.0.1:\(server.port)/?secret=1")
        let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
        #expect(error?.code == .tls)
        #expect(error?.isRetriable == false)
        #expect(error?.wasSent == false)
        await client.shutdown()
    }

    @Test func anOwnAuthorityIsAccepted() async throws {
        let server = try TLSServer()
        defer { server.stop() }
        let client = HTTPClient(logger: Logger(label: "test"))
        var request = get("https://127.0.0.1:\(server.port)/")
        request.trust.caFile = server.file("ca.pem")
        let status = try await client.status(request)
        #expect(status == 200)
        // Trust is part of the request: a request without it must not ride on that connection.
        request.trust.caFile = nil
        let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
        #expect(error?.code == .tls)
        await client.shutdown()
    }

    @Test func aWrongNameIsRefused() async throws {
        let server = try TLSServer()
        defer { server.stop() }
        let client = HTTPClient(logger: Logger(label: "test"))
        var request = get("https://localhost:\(server.port)/")
        request.trust.caFile = server.file("ca.pem")
        let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
        #expect(error?.code == .tls)
        await client.shutdown()
    }

    @Test func clientCertificatesAreShown() async throws {
        let server = try TLSServer(arguments: ["-Verify", "2", "-verify_return_error"])
        defer { server.stop() }
        let client = HTTPClient(logger: Logger(label: "test"))
        var request = get("https://127.0.0.1:\(server.port)/")
        request.trust.caFile = server.file("ca.pem")
        let without = await failure { () async throws(HTTPError) in try await client.exchange(request) }
        #expect(without != nil)
        request.trust.clientCertificateFile = server.file("server.pem")
        request.trust.clientKeyFile = server.file("server.key")
        let status = try await client.status(request)
        #expect(status == 200)
        await client.shutdown()
    }

    @Test func aMissingCAFileSaysSo() async throws {
        let server = try TLSServer()
        defer { server.stop() }
        let client = HTTPClient(logger: Logger(label: "test"))
        var request = get("https://127.0.0.1:\(server.port)/")
        request.trust.caFile = server.file("missing.pem")
        let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
        #expect(error?.code == .tls)
        #expect(error?.message.contains("CA file") == true)
        await client.shutdown()
    }
}

/// An `openssl s_server` that answers every request with a page, for 127.0.0.1, signed by an authority of its own.
private final class TLSServer {
    let port: Int
    private let directory: String
    private let process: Process

    init(arguments: [String] = []) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        self.directory = directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        try Self.run(directory, ["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA"] + key)
        try Self.run(
            directory,
            [
                "req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "server.key", "-out", "server.pem",
                "-subj", "/CN=server", "-addext", "subjectAltName=IP:127.0.0.1",
            ] + key)
        let pipe = Pipe()
        process = Self.process(
            directory,
            ["s_server", "-www", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.key"]
                + ["-CAfile", "ca.pem"] + arguments)
        process.standardOutput = pipe
        try process.run()
        port = try Self.port(in: pipe)
    }

    func file(_ name: String) -> String { "\(directory)/\(name)" }

    func stop() {
        // Not SIGTERM: the threads of the cooperative pool block it, and what they start inherits that.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The port of the line `ACCEPT 127.0.0.1:port`.
    private static func port(in pipe: Pipe) throws -> Int {
        var text = ""
        while let data = try pipe.fileHandleForReading.read(upToCount: 1), !data.isEmpty {
            text += String(decoding: data, as: UTF8.self)
            guard text.hasSuffix("\n") else { continue }
            if let colon = text.lastIndex(of: ":"), text.contains("ACCEPT"),
                let port = Int(text[text.index(after: colon)...].dropLast())
            {
                return port
            }
        }
        throw CocoaError(.fileReadUnknown)
    }

    private static func run(_ directory: String, _ arguments: [String]) throws {
        let process = process(directory, arguments)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    }

    private static func process(_ directory: String, _ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }
}
