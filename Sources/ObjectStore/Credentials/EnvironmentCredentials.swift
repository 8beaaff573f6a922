// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Credentials from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
package struct EnvironmentCredentials: CredentialsProvider {
    private let environment: [String: String]

    /// Reads from a copy of the environment: it does not change while a process runs.
    package init(_ environment: [String: String]) { self.environment = environment }

    package var source: String { "environment (AWS_ACCESS_KEY_ID)" }

    package func credentials() async throws(S3Error) -> S3Credentials {
        guard let id = value("AWS_ACCESS_KEY_ID") ?? value("AWS_ACCESS_KEY") else {
            throw S3Error(.noCredentials, "AWS_ACCESS_KEY_ID is not set")
        }
        guard let secret = value("AWS_SECRET_ACCESS_KEY") ?? value("AWS_SECRET_KEY") else {
            throw S3Error(.noCredentials, "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not")
        }
        return S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: value("AWS_SESSION_TOKEN"))
    }

    package func invalidate() async {}

    private func value(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
