// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import HTTPTransport
import Logging
import TestKit
import Testing

@testable import Cognigy

/// The same promises once more over real connections.
@Suite(.timeLimit(.minutes(1))) struct WireTests {
    @Test func exportsOverTheWire() async throws {
        let server = try RawHTTPServer { connection in
            while let request = connection.readRequest() {
                switch request.line.split(separator: " ").dropFirst().first ?? "" {
                case "/api/v1/auth/oauth/token": connection.answer(body: #"{"access_token": "token-1"}"#)
                case "/api/v1/nlu/models/m/versions/1": connection.answer(body: #"{"status": "TRAINED"}"#)
                case "/api/v1/nlu/models/m/exports":
                    connection.answer("202 Accepted", body: #"{"jobId": "j", "exportId": "e"}"#)
                case "/api/v1/jobs/j":
                    connection.answer(body: #"{"status": "COMPLETED", "downloadUrl": "/files/1?sig=x"}"#)
                case "/files/1?sig=x": connection.answer(body: "artifact")
                default: connection.answer("404 Not Found")
                }
            }
        }
        defer { server.stop() }
        try await withTenant(server.url("")) { tenant in
            let context = CallContext(commandID: "c")
            #expect(try await tenant.exporter.status(of: Self.command, context: context) == .trained)
            let job = try await tenant.exporter.trigger(Self.command, runID: "run", context: context)
            guard case .completed(let link?) = try await tenant.exporter.poll(job, of: Self.command, context: context)
            else { throw StepError(.gone, "no link") }
            let body = try await tenant.downloader.openDownload(link, of: Self.command, context: context)
            #expect(String(decoding: try await body.readAll(maximum: 100), as: UTF8.self) == "artifact")
        }
        #expect(server.requests.dropFirst().allSatisfy { $0.header("Authorization") == "Bearer token-1" })
        #expect(server.requests.map { $0.header("User-Agent") }.allSatisfy { $0?.isEmpty == false })
    }

    /// P8: another port of the same host is another origin, directly and behind a redirect.
    @Test func credentialsStayAtHome() async throws {
        let store = try RawHTTPServer { connection in
            while connection.readRequest() != nil { connection.answer(body: "artifact") }
        }
        defer { store.stop() }
        let target = store.url("/a")
        let api = try RawHTTPServer { connection in
            while let request = connection.readRequest() {
                if request.line.contains("/oauth/token") {
                    connection.answer(body: #"{"access_token": "token-1"}"#)
                } else {
                    connection.answer("302 Found", headers: ["Location: \(target)"])
                }
            }
        }
        defer { api.stop() }
        try await withTenant(api.url("")) { tenant in
            for url in [target, api.url("/files/1")] {
                let body = try await tenant.downloader.openDownload(
                    DownloadLink(url: url), of: Self.command, context: CallContext(commandID: "c"))
                #expect(String(decoding: try await body.readAll(maximum: 100), as: UTF8.self) == "artifact")
            }
        }
        #expect(
            api.requests.filter { $0.line.contains("/files/1") }.map { $0.header("Authorization") } == [
                "Bearer token-1"
            ])
        #expect(store.requests.count == 2)
        for request in store.requests {
            #expect(!request.headerLines.contains { $0.contains("token-1") || $0.contains("api-key") })
        }
    }

    @Test func aLoopOfRedirectsIsRefused() async throws {
        let server = try RawHTTPServer { connection in
            while let request = connection.readRequest() {
                if request.line.contains("/oauth/token") {
                    connection.answer(body: #"{"access_token": "token-1"}"#)
                } else {
                    connection.answer("302 Found", headers: ["Location: /again"])
                }
            }
        }
        defer { server.stop() }
        try await withTenant(server.url("")) { tenant in
            let error = await failure {
                try await tenant.downloader.openDownload(
                    DownloadLink(url: server.url("/again")), of: Self.command, context: CallContext(commandID: "c"))
            }
            #expect(error?.kind == .permanent(.downloadRefused))
        }
    }

    private static let command = ExportCommand(
        commandID: "c", tenant: "acme", modelID: "m", version: "1", format: "ONNX")

    private func withTenant(_ base: String, _ body: (Tenant) async throws -> Void) async throws {
        let client = HTTPClient(logger: .silent)
        let configuration = try TenantConfiguration(
            name: "acme", baseURL: base, clientID: "c", clientSecret: .fixed("secret"), apiKey: .fixed("api-key-1"))
        let result: Result<Void, any Error>
        do {
            try await body(Tenant(configuration, transport: client, logger: .silent))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await client.shutdown()
        try result.get()
    }
}
