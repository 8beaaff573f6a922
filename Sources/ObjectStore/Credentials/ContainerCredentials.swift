// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// Credentials from the endpoint beside a container: ECS tasks and EKS Pod Identity.
///
/// Source: AWS SDKs reference, "Container credential provider". The authorization token's file is read anew each time.
package struct ContainerCredentials: CredentialsProvider {
    /// Where plain http is allowed, because nothing leaves the machine.
    private static let localHosts: Set<String> = [
        "127.0.0.1", "::1", "localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23",
    ]

    private let environment: [String: String]
    private let request: CredentialsRequest
    private let queue = WorkQueue("container-credentials")

    /// Takes `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI` and `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or
    /// `…_TOKEN` from a copy of the environment.
    package init(environment: [String: String], transport: any S3Transport) {
        self.environment = environment
        request = CredentialsRequest(transport: transport, service: "the container's credentials endpoint")
    }

    package var source: String { "container endpoint (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)" }

    package func invalidate() async {}

    package func credentials() async throws(S3Error) -> S3Credentials {
        let url = try endpoint()
        var headers = HTTPHeaders()
        if let token = try await authorization() { headers["authorization"] = token }
        let text = try await request.text(.get, url, headers: headers, patience: .seconds(2))
        return try request.credentials(json: text)
    }

    private func endpoint() throws(S3Error) -> String {
        if let path = value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            guard path.hasPrefix("/") else {
                throw S3Error(.noCredentials, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash")
            }
            return "http://169.254.170.2\(path)"
        }
        guard let text = value("AWS_CONTAINER_CREDENTIALS_FULL_URI") else {
            throw S3Error(.noCredentials, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set")
        }
        guard let url = try? WebURL(text), url.scheme == "https" || Self.localHosts.contains(url.host) else {
            throw S3Error(
                .noCredentials, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine")
        }
        return url.string
    }

    private func authorization() async throws(S3Error) -> String? {
        guard let path = value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
            return value("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        }
        guard let text = await queue.run({ WatchedFile(path: path).text() }),
            let line = text.split(whereSeparator: \.isNewline).first
        else { throw S3Error(.noCredentials, "the token file \(path) cannot be read or is empty") }
        return String(line)
    }

    private func value(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
