// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Logging

/// What a consumer or publisher does on the connection's thread.
protocol ConnectionRole: AnyObject {
    /// The largest body kept.
    var maximumBodyBytes: Int { get }
    /// A new channel is open: declare, consume, ask for confirms.
    func opened(_ session: Session) throws(AMQPError)
    /// Something came. Only take note: calls to the broker belong in `work`.
    func received(_ event: ChannelEvent, _ session: Session) throws(AMQPError)
    /// A turn of the loop: do what was asked for.
    func work(_ session: Session) throws(AMQPError)
    /// A turn without a connection.
    func idle()
    /// The connection is gone; `opened` may not have run to its end.
    func lost(_ error: AMQPError)
    /// When `work` or `idle` is to run at the latest.
    var deadline: ContinuousClock.Instant? { get }
    /// The end is near and the connection is still there: say goodbye.
    func finish(_ session: Session) throws(AMQPError)
    /// All is over.
    func ended()
}

/// The body of a connection's thread: connect, turn, and connect again for ever.
struct ConnectionLoop<Role: ConnectionRole> {
    let configuration: AMQPConnectionConfiguration
    let control: ConnectionControl
    let logger: Logger
    let role: Role

    func run() {
        var schedule = ReconnectSchedule(
            initial: configuration.reconnectInitial, maximum: configuration.reconnectMax)
        var endpoints = EndpointOrder(configuration)
        while !control.isStopping {
            guard control.enter(.connecting) else { break }
            do throws(AMQPError) {
                let endpoint = endpoints.next()
                let session = try Session(
                    endpoint: endpoint, configuration: configuration, maximumBodyBytes: role.maximumBodyBytes,
                    pulse: control.pulse)
                guard control.enter(.turning) else {
                    session.close()
                    return
                }
                schedule.opened(at: .now)
                try turn(session)
                break
            } catch {
                guard control.enter(.turning) else { return }
                report(error)
                let delay = schedule.failed(at: .now, random: configuration.random())
                sleep(delay)
            }
        }
        role.ended()
    }

    /// One connection from its first to its last turn; returns when it was closed on demand.
    private func turn(_ session: Session) throws(AMQPError) {
        let role = role
        session.onEvent = { [unowned session] (event) throws(AMQPError) in try role.received(event, session) }
        do throws(AMQPError) {
            try serve(session)
            try? role.finish(session)
            session.close()
        } catch {
            // A refusal leaves the connection in order; after anything else there is nobody to talk to.
            let isInOrder = error.replyCode != nil || error.code == .consumerCancelled
            if isInOrder { session.close() } else { session.abandon() }
            throw error
        }
    }

    private func serve(_ session: Session) throws(AMQPError) {
        control.emit(.connected(session.server))
        logger.info(
            "connected to the broker",
            metadata: [LogKey.broker: "\(session.broker)", LogKey.serverVersion: "\(session.server.version)"])
        try role.opened(session)
        while !control.isStopping {
            control.pulse.beat()
            try session.pump()
            try role.work(session)
            guard !control.isStopping else { break }
            session.wait(for: control.wakeUp, until: role.deadline ?? .now + .seconds(3600))
        }
    }

    private func report(_ error: AMQPError) {
        role.lost(error)
        control.emit(.disconnected(error))
        guard !control.isStopping else { return }
        // What only the operator can mend is more than a warning; it is tried again all the same.
        logger.log(
            level: error.code == .refusedCredentials || error.code == .passwordUnavailable ? .error : .warning,
            "no connection to the broker",
            metadata: [LogKey.errorCode: "\(error.code.rawValue)", LogKey.error: "\(error)"])
    }

    /// Waits out a delay; the role gets its turns, a stop ends it.
    private func sleep(_ delay: Duration) {
        let end = ContinuousClock.now + delay
        while !control.isStopping {
            control.pulse.beat()
            role.idle()
            guard ContinuousClock.now < end else { return }
            Readiness.wait(socket: nil, wakeUp: control.wakeUp, until: min(end, role.deadline ?? end))
        }
    }
}

/// Endpoints in random order, each once before any comes again.
struct EndpointOrder {
    private let configuration: AMQPConnectionConfiguration
    private var left: [AMQPEndpoint] = []

    init(_ configuration: AMQPConnectionConfiguration) {
        self.configuration = configuration
    }

    mutating func next() -> AMQPEndpoint {
        if left.isEmpty { left = configuration.endpoints }
        let index = min(Int(configuration.random() * Double(left.count)), left.count - 1)
        return left.remove(at: max(index, 0))
    }
}
