// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// Credentials for a role, in exchange for a token from a file: how a Kubernetes service account gets them (IRSA).
///
/// Source: AWS STS API reference, AssumeRoleWithWebIdentity. The file is read anew for every exchange: it rotates.
package struct WebIdentityCredentials: CredentialsProvider {
    private struct Answer: S3Document {
        static let root = "AssumeRoleWithWebIdentityResponse"

        let credentials: S3Credentials

        init?(_ element: XMLElement) {
            let keys = element["AssumeRoleWithWebIdentityResult"]?["Credentials"]
            guard let keys, let id = keys.text(of: "AccessKeyId"), let secret = keys.text(of: "SecretAccessKey"),
                let token = keys.text(of: "SessionToken"), let end = keys.text(of: "Expiration"),
                !id.isEmpty, !secret.isEmpty
            else { return nil }
            credentials = S3Credentials(
                accessKeyID: id, secretAccessKey: secret, sessionToken: token,
                expiration: UTCDate(rfc3339: end)?.secondsSince1970)
        }
    }

    private let environment: [String: String]
    private let region: String
    private let request: CredentialsRequest
    private let queue = WorkQueue("web-identity")

    /// Takes `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`, `AWS_ROLE_SESSION_NAME` and `AWS_ENDPOINT_URL_STS` from a
    /// copy of the environment; the region's own STS is asked, in `AWS_REGION` where that is set.
    package init(environment: [String: String], region: String, transport: any S3Transport) {
        self.environment = environment
        self.region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? region
        request = CredentialsRequest(transport: transport, service: "AWS STS")
    }

    package var source: String { "web identity (AWS_WEB_IDENTITY_TOKEN_FILE)" }

    package func invalidate() async {}

    package func credentials() async throws(S3Error) -> S3Credentials {
        guard let path = value("AWS_WEB_IDENTITY_TOKEN_FILE"), let role = value("AWS_ROLE_ARN") else {
            throw S3Error(.noCredentials, "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not both set")
        }
        let text = await queue.run { WatchedFile(path: path).text() }
        guard let token = text?.split(whereSeparator: \.isWhitespace).first else {
            throw S3Error(.noCredentials, "the token file \(path) cannot be read or is empty")
        }
        let form = CanonicalRequest.canonicalQuery([
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", value("AWS_ROLE_SESSION_NAME") ?? "object-store"), ("WebIdentityToken", String(token)),
        ])
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        let answer = try await request.text(
            .post, value("AWS_ENDPOINT_URL_STS") ?? "https://sts.\(region).\(domain)/",
            headers: ["content-type": "application/x-www-form-urlencoded"], body: Array(form.utf8),
            patience: .seconds(10))
        guard let document = S3XML.decode(Answer.self, from: Array(answer.utf8)) else {
            throw S3Error(.noCredentials, "AWS STS answered without credentials", isRetriable: true)
        }
        return document.credentials
    }

    private func value(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
