// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HTTPTransport
internal import Synchronization
internal import Testing

@testable internal import ObjectStore

/// Answers by method and URL.
private final class CannedTransport: S3Transport {
    let requests = Mutex<[HTTPRequest]>([])
    private let answers: [String: HTTPResponse]

    init(_ answers: [String: HTTPResponse]) { self.answers = answers }

    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        requests.withLock { $0.append(request) }
        guard let answer = answers["\(request.method.rawValue) \(request.url)"] else {
            throw HTTPError(code: .connect, message: "nobody there")
        }
        return answer
    }

    func openBody(_ request: HTTPRequest) async throws(HTTPError) -> any S3Body {
        throw HTTPError(code: .internal, message: "not used")
    }
}

@Suite struct ServiceCredentialsTests {
    private static let json = """
        {"AccessKeyId": "id", "SecretAccessKey": "secret", "Token": "token", "Expiration": "2013-05-24T00:00:00Z"}
        """
    private let expected = S3Credentials(
        accessKeyID: "id", secretAccessKey: "secret", sessionToken: "token", expiration: 1_369_353_600)

    private func ok(_ text: String) -> HTTPResponse { HTTPResponse(status: 200, body: Array(text.utf8)) }

    private func withFile<R>(_ text: String, _ body: (String) async throws -> R) async throws -> R {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("token-\(UUID().uuidString)")
        try Data(text.utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try await body(url.path)
    }

    @Test func exchangesAWebIdentity() async throws {
        let answer = """
            <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
              <AssumeRoleWithWebIdentityResult><Credentials>
                <SessionToken>token</SessionToken><SecretAccessKey>secret</SecretAccessKey>
                <Expiration>2013-05-24T00:00:00Z</Expiration><AccessKeyId>id</AccessKeyId>
              </Credentials></AssumeRoleWithWebIdentityResult>
            </AssumeRoleWithWebIdentityResponse>
            """
        let transport = CannedTransport(["POST https://sts.eu-west-1.amazonaws.com/": ok(answer)])
        try await withFile("abc+/=\n") { path in
            let provider = WebIdentityCredentials(
                environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"],
                region: "eu-west-1", transport: transport)
            let credentials = try await provider.credentials()
            #expect(credentials == expected)
        }
        let request = try #require(transport.requests.withLock { $0.first })
        var form = ""
        if case .bytes(let body) = request.body { form = String(decoding: body, as: UTF8.self) }
        #expect(form.contains("WebIdentityToken=abc%2B%2F%3D"))
        #expect(form.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"))
        #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
    }

    @Test func saysWhyAWebIdentityIsRefused() async throws {
        let body = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>too old</Message></Error></ErrorResponse>"
        let transport = CannedTransport([
            "POST https://sts.us-east-1.amazonaws.com/": HTTPResponse(status: 400, body: Array(body.utf8))
        ])
        try await withFile("secret-token") { path in
            let provider = WebIdentityCredentials(
                environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_ROLE_ARN": "r"], region: "us-east-1",
                transport: transport)
            let error = await failure { _ = try await provider.credentials() }
            #expect(error?.kind == .noCredentials)
            #expect(error?.message == "AWS STS answered 400 ExpiredToken: too old")
        }
    }

    @Test func asksTheContainersEndpoint() async throws {
        let transport = CannedTransport([
            "GET http://169.254.170.2/v2/c?id=1": ok(Self.json), "GET http://127.0.0.1:8080/k": ok(Self.json),
        ])
        let relative = ContainerCredentials(
            environment: ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/c?id=1"], transport: transport)
        #expect(try await relative.credentials() == expected)
        try await withFile("let me in\n") { path in
            let full = ContainerCredentials(
                environment: [
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:8080/k",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": path,
                ], transport: transport)
            let credentials = try await full.credentials()
            #expect(credentials == expected)
        }
        #expect(transport.requests.withLock { $0.last?.headers["authorization"] } == "let me in")
    }

    @Test func asksNobodyInTheClearButThisMachine() async {
        let provider = ContainerCredentials(
            environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/k"],
            transport: CannedTransport(["GET http://example.com/k": ok(Self.json)]))
        #expect(await failure { _ = try await provider.credentials() }?.kind == .noCredentials)
    }

    @Test func asksInstanceMetadata() async throws {
        let base = "http://169.254.169.254/latest"
        let transport = CannedTransport([
            "PUT \(base)/api/token": ok("session"),
            "GET \(base)/meta-data/iam/security-credentials/": ok("worker role\n"),
            "GET \(base)/meta-data/iam/security-credentials/worker%20role": ok(Self.json),
        ])
        #expect(try await InstanceCredentials(environment: [:], transport: transport).credentials() == expected)
        #expect(transport.requests.withLock { $0.last?.headers["x-aws-ec2-metadata-token"] } == "session")
        let off = InstanceCredentials(environment: ["AWS_EC2_METADATA_DISABLED": "true"], transport: transport)
        #expect(await failure { _ = try await off.credentials() }?.kind == .noCredentials)
    }

    @Test(arguments: ["", "{}", "[1]", "{\"AccessKeyId\": \"\", \"SecretAccessKey\": \"x\"}", "<html>"])
    func refusesDocumentsWithoutCredentials(_ body: String) async {
        let transport = CannedTransport(["GET http://169.254.170.2/c": ok(body)])
        let provider = ContainerCredentials(
            environment: ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c"], transport: transport)
        #expect(await failure { _ = try await provider.credentials() }?.kind == .noCredentials)
    }
}

@Suite struct ExpiringCredentialsTests {
    /// Hands out numbered credentials that live 1,000 seconds, or fails.
    private final class Mint: CredentialsProvider {
        let calls = Atomic<Int>(0)
        let fails = Atomic<Bool>(false)
        let time: FakeTime

        init(_ time: FakeTime) { self.time = time }

        var source: String { "mint" }
        func invalidate() async {}

        func credentials() async throws(S3Error) -> S3Credentials {
            let number = calls.add(1, ordering: .relaxed).newValue
            if fails.load(ordering: .relaxed) { throw S3Error(.noCredentials, "out of order") }
            return S3Credentials(
                accessKeyID: "\(number)", secretAccessKey: "s",
                expiration: time.clock.load(ordering: .relaxed) + 1000)
        }
    }

    @Test func renewsAheadOfExpiry() async throws {
        let time = FakeTime(now: 0)
        let mint = Mint(time)
        let provider = ExpiringCredentials(mint, now: time.surroundings.now)
        for (now, id) in [(0, "1"), (699, "1"), (700, "2"), (1399, "2"), (1400, "3")] as [(Int64, String)] {
            time.clock.store(now, ordering: .relaxed)
            #expect(try await provider.credentials().accessKeyID == id, "at \(now)")
        }
    }

    @Test func keepsWhatIsValidWhileRenewalFails() async throws {
        let time = FakeTime(now: 0)
        let mint = Mint(time)
        let provider = ExpiringCredentials(mint, now: time.surroundings.now)
        _ = try await provider.credentials()
        mint.fails.store(true, ordering: .relaxed)
        for now in [700, 710, 729, 730, 990] as [Int64] {
            time.clock.store(now, ordering: .relaxed)
            #expect(try await provider.credentials().accessKeyID == "1")
        }
        #expect(mint.calls.load(ordering: .relaxed) == 4)
        time.clock.store(1000, ordering: .relaxed)
        #expect(await failure { _ = try await provider.credentials() }?.kind == .noCredentials)
        mint.fails.store(false, ordering: .relaxed)
        #expect(try await provider.credentials().accessKeyID == "6")
    }

    @Test func asksOnceForMany() async throws {
        let time = FakeTime(now: 0)
        let mint = Mint(time)
        let provider = ExpiringCredentials(mint, now: time.surroundings.now)
        await withTaskGroup { group in
            for _ in 0..<50 { group.addTask { _ = try? await provider.credentials() } }
        }
        #expect(mint.calls.load(ordering: .relaxed) == 1)
    }

    @Test func asksAgainAfterARefusal() async throws {
        let time = FakeTime(now: 0)
        let mint = Mint(time)
        let provider = ExpiringCredentials(mint, now: time.surroundings.now)
        _ = try await provider.credentials()
        await provider.invalidate()
        #expect(try await provider.credentials().accessKeyID == "2")
    }
}
