// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import HTTPTransport
@testable import ObjectStore

extension FuzzTarget {
    /// The input is the body of an answer, and a shared file at the same time; its first byte is the status of the
    /// answer: a digit for a success, anything else for a failure.
    static let credentials = FuzzTarget(
        name: "credentials", summary: "AWS credentials: container, instance, STS, shared files"
    ) { input in
        let isSuccess = input.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
        let body = Array(input.dropFirst())
        let transport = OneAnswer(HTTPResponse(status: isSuccess ? 200 : 400, body: body))
        if body.contains(UInt8(ascii: "<")) {
            let role = ["AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/proc/self/comm"]
            try check(WebIdentityCredentials(environment: role, region: "eu-west-1", transport: transport))
        } else {
            let path = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2"]
            try check(ContainerCredentials(environment: path, transport: transport))
            // The same text three times over: token, role and document.
            try check(InstanceCredentials(environment: [:], transport: transport))
        }
        try check(INIFile(String(decoding: body, as: UTF8.self)))
    }

    private static func check(_ provider: some CredentialsProvider) throws {
        switch Blocking.result(of: { () async throws(S3Error) in try await provider.credentials() }) {
        case .success(let credentials):
            let isUsable = !credentials.accessKeyID.isEmpty && !credentials.secretAccessKey.isEmpty
            try claim(isUsable, "credentials without key or secret")
            let secret = credentials.secretAccessKey
            try claim(secret.utf8.count < 8 || !"\(credentials)".contains(secret), "the secret is in the description")
        case .failure(let error):
            try claim(error.kind == .noCredentials, "refused as \(error.kind)")
            try claimPrintable(error.description, "the reason")
        }
    }

    private static func check(_ file: INIFile) throws {
        for (name, value) in file["default"] ?? [:] {
            try claim(!name.contains("=") && name == name.lowercased(), "the name \(name)")
            try claim(!value.contains(where: \.isNewline), "a value of several lines: \(value)")
        }
    }
}

/// Answers every request with the same answer.
private struct OneAnswer: S3Transport {
    let response: HTTPResponse

    init(_ response: HTTPResponse) { self.response = response }

    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        // A server's text becomes a header or a path of the next request; the transport refuses what is not well-formed.
        _ = try WebURL(request.url)
        return response
    }

    func openBody(_ request: HTTPRequest) async throws(HTTPError) -> any S3Body {
        throw HTTPError(code: .internal, message: "nobody opens a body here")
    }
}
