// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Several providers, asked in order: the first that has credentials is used. All are asked anew each time, so that
/// neither a failure nor a choice sticks.
package struct CredentialsChain: CredentialsProvider {
    private let providers: [any CredentialsProvider]

    package init(_ providers: [any CredentialsProvider]) { self.providers = providers }

    /// AWS's usual chain, from a copy of the environment: environment, web identity, the shared files' profile, the
    /// container's endpoint, instance metadata. Temporary credentials are renewed ahead of their expiry.
    package static func standard(
        environment: [String: String], region: String, transport: any S3Transport,
        surroundings: S3Surroundings = .live
    ) -> CredentialsChain {
        func renewing(_ provider: any CredentialsProvider) -> ExpiringCredentials {
            ExpiringCredentials(provider, now: surroundings.now)
        }
        return CredentialsChain([
            EnvironmentCredentials(environment),
            renewing(WebIdentityCredentials(environment: environment, region: region, transport: transport)),
            ProfileCredentials(environment: environment),
            renewing(ContainerCredentials(environment: environment, transport: transport)),
            renewing(InstanceCredentials(environment: environment, transport: transport)),
        ])
    }

    package var source: String { providers.map(\.source).joined(separator: ", ") }

    package func credentials() async throws(S3Error) -> S3Credentials {
        var reasons: [String] = []
        for provider in providers {
            do {
                return try await provider.credentials()
            } catch let error where error.kind == .cancelled {
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
