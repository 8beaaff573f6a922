// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Logging
import TestKit
import Testing

@testable import HTTPTransport

/// Runs a test with a client and a scripted server, and takes both down after it.
func withClient<R: Sendable>(
    _ configuration: HTTPClientConfiguration = HTTPClientConfiguration(),
    script: @escaping RawHTTPServer.Script, body: (HTTPClient, RawHTTPServer) async throws -> R
) async throws -> R {
    let server = try RawHTTPServer(script: script)
    let client = HTTPClient(configuration: configuration, logger: Logger(label: "test"))
    do {
        let result = try await body(client, server)
        await client.shutdown()
        server.stop()
        return result
    } catch {
        await client.shutdown()
        server.stop()
        throw error
    }
}

/// The error a call throws; `nil` when it throws none.
func failure<R>(_ call: () async throws(HTTPError) -> R) async -> HTTPError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error
    }
}

/// A request with short time-outs for tests where they are meant to strike.
func get(
    _ url: String, connect: Duration = .seconds(30), response: Duration = .seconds(30), stall: Duration = .seconds(30)
) -> HTTPRequest {
    HTTPRequest(
        method: .get, url: url, timeouts: HTTPTimeouts(connect: connect, response: response, stall: stall))
}

extension TransferBuffer {
    /// A copy of the valid bytes.
    var bytes: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}

/// Follows one redirect (outside of a macro, which takes no `inout`).
func follow(_ route: inout RedirectRoute, _ head: ResponseHead, _ url: String) throws(HTTPError) -> Bool {
    try route.follow(head, from: WebURL(url))
}

extension HTTPClient {
    /// The status alone, with errors of any type (`#expect` does not take typed ones).
    func status(_ request: HTTPRequest) async throws -> Int { try await exchange(request).status }
}
