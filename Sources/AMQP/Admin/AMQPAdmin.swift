// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One-shot work with a broker, for command lines and checks.
package enum AMQPAdmin {
    /// Connects on a thread of its own, runs `body` there, and closes the connection. No attempt is repeated; every
    /// endpoint is tried once. When the task is cancelled, the next operation of `body` throws `cancelled`.
    package static func withConnection<Result: Sendable>(
        _ configuration: AMQPConnectionConfiguration, maximumBodyBytes: Int = 1 << 20,
        _ body: @escaping @Sendable (AMQPAdminSession) throws(AMQPError) -> Result
    ) async throws(AMQPError) -> Result {
        try configuration.validate()
        let flag = CancellationFlag()
        return try await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Swift.Result<Result, AMQPError>, Never>) in
                do throws(AMQPError) {
                    try OwnerThread.start(name: "amqp-admin") {
                        continuation.resume(
                            returning: run(configuration, maximumBodyBytes: maximumBodyBytes, flag, body))
                    }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        } onCancel: {
            flag.set()
        }.get()
    }

    private static func run<Result: Sendable>(
        _ configuration: AMQPConnectionConfiguration, maximumBodyBytes: Int, _ flag: CancellationFlag,
        _ body: (AMQPAdminSession) throws(AMQPError) -> Result
    ) -> Swift.Result<Result, AMQPError> {
        do throws(AMQPError) {
            let session = try connect(configuration, maximumBodyBytes: maximumBodyBytes, flag)
            defer { session.close() }
            return .success(try body(AMQPAdminSession(session, flag)))
        } catch {
            return .failure(error)
        }
    }

    private static func connect(
        _ configuration: AMQPConnectionConfiguration, maximumBodyBytes: Int, _ flag: CancellationFlag
    ) throws(AMQPError) -> Session {
        var endpoints = EndpointOrder(configuration)
        var left = configuration.endpoints.count
        while true {
            try flag.check()
            do throws(AMQPError) {
                return try Session(
                    endpoint: endpoints.next(), configuration: configuration, maximumBodyBytes: maximumBodyBytes)
            } catch {
                left -= 1
                if left <= 0 { throw error }
            }
        }
    }
}

/// Whether the caller has given up.
final class CancellationFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    func set() { flag.store(true, ordering: .releasing) }

    func check() throws(AMQPError) {
        if flag.load(ordering: .acquiring) { throw AMQPError(.cancelled, "The work with the broker was cancelled.") }
    }
}
