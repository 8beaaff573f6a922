// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Logging

/// Makes a role on the thread that will own it, and runs its connection there.
struct RoleBox<Role: ConnectionRole & SendableMetatype>: Sendable {
    private let make: @Sendable () -> Role

    init(_ make: @escaping @Sendable () -> Role) {
        self.make = make
    }

    /// Starts the thread; `failed` is called in its place when there is none to be had.
    func start(
        name: String, configuration: AMQPConnectionConfiguration, control: ConnectionControl, logger: Logger,
        failed: () -> Void
    ) {
        let make = make
        do throws(AMQPError) {
            try OwnerThread.start(name: name) {
                ConnectionLoop(configuration: configuration, control: control, logger: logger, role: make()).run()
            }
        } catch {
            logger.error("no thread for the broker connection", metadata: [LogKey.error: "\(error)"])
            control.emit(.disconnected(error))
            failed()
        }
    }
}
