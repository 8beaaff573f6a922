// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ObjectStore

/// Waits for a server that was started again.
struct ServerReadiness: Sendable {
    let servers: ChaosServers
    let store: S3Client

    /// Returns once the server answers; throws after a minute and a half.
    func wait(for service: ServiceControl.Service) async throws {
        let deadline = ContinuousClock.now + .seconds(90)
        while true {
            do {
                switch service {
                case .broker: _ = try await AMQPAdmin.withConnection(try servers.brokerConfiguration()) { _ in }
                case .store: try await store.headBucket()
                }
                return
            } catch {
                guard ContinuousClock.now < deadline else {
                    throw ChaosServers.Unusable(description: "\(service.rawValue) did not come back: \(error)")
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
