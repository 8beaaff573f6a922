// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// Credentials of the role of the EC2 instance this runs on, from its metadata service (version 2 only).
///
/// Source: EC2 user guide, "Use IMDSv2". Off where `AWS_EC2_METADATA_DISABLED` is `true`.
package struct InstanceCredentials: CredentialsProvider {
    private static let roles = "/latest/meta-data/iam/security-credentials/"
    private static let patience = Duration.seconds(1)

    private let base: String
    private let isDisabled: Bool
    private let request: CredentialsRequest

    /// Takes `AWS_EC2_METADATA_DISABLED` and `AWS_EC2_METADATA_SERVICE_ENDPOINT` from a copy of the environment.
    package init(environment: [String: String], transport: any S3Transport) {
        isDisabled = environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true"
        let given = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? ""
        let url = given.isEmpty ? "http://169.254.169.254" : given
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        request = CredentialsRequest(transport: transport, service: "instance metadata")
    }

    package var source: String { "instance metadata" }

    package func invalidate() async {}

    package func credentials() async throws(S3Error) -> S3Credentials {
        guard !isDisabled else { throw S3Error(.noCredentials, "switched off by AWS_EC2_METADATA_DISABLED") }
        let token = try await request.text(
            .put, base + "/latest/api/token", headers: ["x-aws-ec2-metadata-token-ttl-seconds": "21600"],
            patience: Self.patience)
        let headers: HTTPHeaders = ["x-aws-ec2-metadata-token": token]
        let names = try await request.text(.get, base + Self.roles, headers: headers, patience: Self.patience)
        guard let role = names.split(whereSeparator: \.isNewline).first else {
            throw S3Error(.noCredentials, "the instance has no role")
        }
        let json = try await request.text(
            .get, base + Self.roles + URIEncoding.component(String(role)), headers: headers, patience: Self.patience)
        return try request.credentials(json: json)
    }
}
