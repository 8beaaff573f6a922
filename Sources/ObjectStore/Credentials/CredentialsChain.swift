// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Several providers, asked in order: the first that has credentials is used. All are asked anew each time, so that
/// neither a failure nor a choice sticks.
package struct CredentialsChain: CredentialsProvider {
    private let providers: [any CredentialsProvider]

    package init(_ providers: [any CredentialsProvider]) { self.providers = providers }

    /// Environment, then the shared files' profile, from a copy of the environment.
    package static func standard(environment: [String: String]) -> CredentialsChain {
        CredentialsChain([
            EnvironmentCredentials(environment), ProfileCredentials(environment: environment),
        ])
    }

    package var source: String { providers.map(\.source).joined(separator: ", ") }

    package func credentials() async throws(S3Error) -> S3Credentials {
        var reasons: [String] = []
        for provider in providers {
            do {
                return try await provider.credentials()
            } catch where error.kind == .cancelled {
                throw error
            } catch {
                reasons.append("\(provider.source): \(error.message)")
            }
        }
        throw S3Error(
            .noCredentials,
            "There are no credentials for the object store. Tried \(reasons.joined(separator: ", then ")).")
    }

    package func invalidate() async {
        for provider in providers { await provider.invalidate() }
    }
}
