// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ
internal import Glibc

/// What the broker sends of its own accord, contents assembled.
enum ChannelEvent: Equatable {
    case content(Content)
    case confirm(tag: UInt64, multiple: Bool, accepted: Bool)
    case consumerCancelled(consumerTag: String)
    case reply(MethodReply)
    case blocked(reason: String)
    case unblocked
}

/// One connection with its one channel, on the thread that owns it.
///
/// All waiting happens here, in a poll of its own; a channel or connection closed by the broker is answered and thrown.
final class Session {
    let server: AMQPServerInfo
    let broker: String
    /// Gets the events that are not the answer to a running call.
    var onEvent: (ChannelEvent) throws(AMQPError) -> Void = { _ in }
    private(set) var isChannelOpen = false

    private let wire: WireConnection
    private let configuration: AMQPConnectionConfiguration
    private let watchdog: Watchdog.Guard
    private let pulse: Pulse
    private let maximumBodyBytes: Int
    private var assembler: FrameAssembler
    private var lastHeartbeat = ContinuousClock.now
    private var isClosed = false

    /// Connects, logs in and opens the channel; blocks up to twice the connect timeout plus the rpc timeout, and for
    /// what the password and the name take. `pulse` beats whenever the thread gets on.
    init(
        endpoint: AMQPEndpoint, configuration: AMQPConnectionConfiguration, maximumBodyBytes: Int,
        pulse: Pulse = Pulse()
    ) throws(AMQPError) {
        let endpoint = try configuration.withPassword(endpoint)
        pulse.beat()
        wire = try WireConnection(endpoint: endpoint, tls: configuration.tls, timeout: configuration.connectTimeout)
        pulse.beat()
        self.pulse = pulse
        let stuck = configuration.stuckTimeout
        _ = crmq_set_user_timeout(wire.descriptor, UInt32(clamping: stuck.milliseconds))
        watchdog = try Watchdog.shared.watch(wire.descriptor, limit: stuck)
        self.configuration = configuration
        self.maximumBodyBytes = maximumBodyBytes
        assembler = FrameAssembler(maximumBodyBytes: maximumBodyBytes)
        broker = "\(endpoint)"
        do throws(AMQPError) {
            watchdog.progress()
            server = try wire.login(
                endpoint, heartbeat: configuration.heartbeat,
                properties: ClientProperties.table(configuration), timeout: configuration.connectTimeout)
        } catch {
            Watchdog.shared.release(watchdog)
            wire.destroy()
            throw configuration.explaining(error, endpoint)
        }
        try openChannel()
    }

    deinit { abandon() }

    /// The negotiated bytes of a frame.
    var frameMax: Int { wire.frameMax }

    /// Opens the channel, again after the broker closed it.
    func openChannel() throws(AMQPError) {
        guard !isChannelOpen else { return }
        assembler = FrameAssembler(maximumBodyBytes: maximumBodyBytes)
        try call("opening a channel", .done(method: AMQP_CHANNEL_OPEN_OK_METHOD)) { unsafe crmq_channel_open($0.state) }
        isChannelOpen = true
    }

    /// Closes the channel: what was delivered on it and not settled goes back. The connection stays.
    func closeChannel() throws(AMQPError) {
        guard isChannelOpen else { return }
        try sendWithArena("closing the channel") { unsafe crmq_channel_close($0.state, 200, $1.bytes("done")) }
        try awaitEvent("closing the channel") {
            $0 == .reply(.done(method: AMQP_CHANNEL_CLOSE_OK_METHOD)) ? () : nil
        }
        isChannelOpen = false
    }

    // MARK: Waiting and reading

    /// Sleeps until there is something to read, a wake-up, the deadline or the next heartbeat.
    func wait(for wakeUp: WakeUp?, until deadline: ContinuousClock.Instant) {
        guard !wire.hasBufferedInput else { return }
        var end = deadline
        if let heartbeat = wire.heartbeat { end = min(end, lastHeartbeat + heartbeat / 2) }
        watchdog.rest()
        Readiness.wait(socket: wire.descriptor, wakeUp: wakeUp, until: end)
        watchdog.progress()
        pulse.beat()
    }

    /// Handles what has arrived (at most `limit` frames, so that others get their turn) and keeps the heartbeat.
    func pump(limit: Int = 1024) throws(AMQPError) {
        watchdog.progress()
        for _ in 0..<limit {
            guard let event = try nextEvent() else { break }
            if let event = event.value { try onEvent(event) }
        }
        try keepHeartbeat()
    }

    /// librabbitmq sends one per whole interval, and only inside its calls; half is what the broker expects.
    private func keepHeartbeat() throws(AMQPError) {
        guard let heartbeat = wire.heartbeat else { return }
        let now = ContinuousClock.now
        guard now - lastHeartbeat >= heartbeat / 2 else { return }
        lastHeartbeat = now
        try send("sending a heartbeat") { unsafe crmq_send_heartbeat($0.state) }
    }

    /// A frame that may or may not complete an event; nil when there is no frame.
    private struct Step {
        var value: ChannelEvent?
    }

    private func nextEvent() throws(AMQPError) -> Step? {
        do throws(AMQPError) {
            guard let frame = try wire.nextFrame(keepingBody: assembler.keepsBody) else { return nil }
            return Step(value: try digest(frame))
        } catch {
            guard watchdog.hasFired else { throw error }
            throw AMQPError(
                .connectionLost,
                "Connection to \(broker) dropped: nothing could be sent for "
                    + "\(configuration.stuckTimeout). Check the network and whether the broker still reads.",
                underlying: error.message)
        }
    }

    private func digest(_ frame: WireFrame) throws(AMQPError) -> ChannelEvent? {
        switch frame {
        case .content(let head):
            try assembler.begin(head)
            return nil
        case .header(let bodySize, let properties):
            return try assembler.header(bodySize: bodySize, properties: properties).map { .content($0) }
        case .body(let bytes, let count):
            return try assembler.body(bytes, count: count).map { .content($0) }
        case .confirm(let tag, let multiple, let accepted):
            return .confirm(tag: tag, multiple: multiple, accepted: accepted)
        case .cancel(let consumerTag, let wantsAnswer):
            if wantsAnswer {
                try sendWithArena("answering a cancel") { unsafe crmq_basic_cancel_ok($0.state, $1.bytes(consumerTag)) }
            }
            return .consumerCancelled(consumerTag: consumerTag)
        case .reply(let reply): return .reply(reply)
        case .flow(let active):
            try send("answering channel.flow") { unsafe crmq_channel_flow_ok($0.state, active ? 1 : 0) }
            return active ? .unblocked : .blocked(reason: "channel.flow")
        case .blocked(let reason): return .blocked(reason: reason)
        case .unblocked: return .unblocked
        case .channelClose(let code, let text):
            isChannelOpen = false
            try send("answering channel.close") { unsafe crmq_channel_close_ok($0.state) }
            throw WireStatus.closed(code, text, channel: true, broker: broker)
        case .connectionClose(let code, let text):
            isChannelOpen = false
            isClosed = true
            try send("answering connection.close") { unsafe crmq_connection_close_ok($0.state) }
            throw WireStatus.closed(code, text, channel: false, broker: broker)
        case .unexpected(let what):
            throw AMQPError(.protocolViolation, "\(broker) sent \(what); the connection is dropped.")
        }
    }

    // MARK: Calls

    /// Sends without waiting for an answer.
    func send(_ what: String, _ body: (WireHandle) -> Int32) throws(AMQPError) {
        watchdog.progress()
        defer { pulse.beat() }
        do throws(AMQPError) {
            try wire.send(what, body)
        } catch {
            guard watchdog.hasFired else { throw error }
            throw AMQPError(
                .connectionLost,
                "Connection to \(broker) dropped: \(what) made no progress for "
                    + "\(configuration.stuckTimeout). Check whether the broker is overloaded or in an alarm.",
                underlying: error.message, wasSent: true)
        }
    }

    /// `send` with memory for the arguments.
    func sendWithArena(_ what: String, _ body: (WireHandle, CArena) -> Int32) throws(AMQPError) {
        try CArena.with { (arena) throws(AMQPError) in
            try send(what) { body($0, arena) }
        }
    }

    /// Waits for the event `pick` accepts; all others go to `onEvent`.
    func awaitEvent<Result>(
        _ what: String, within timeout: Duration? = nil, _ pick: (ChannelEvent) -> Result?
    ) throws(AMQPError) -> Result {
        let timeout = timeout ?? configuration.rpcTimeout
        let deadline = ContinuousClock.now + timeout
        while true {
            while let step = try nextEvent() {
                guard let event = step.value else { continue }
                if let result = pick(event) { return result }
                try onEvent(event)
            }
            try keepHeartbeat()
            guard ContinuousClock.now < deadline else {
                throw AMQPError(
                    .timeout,
                    "\(broker) did not answer within \(timeout) while \(what): check its "
                        + "load and alarms.", wasSent: true)
            }
            wait(for: nil, until: deadline)
        }
    }

    /// Sends a method and waits for exactly that answer.
    func call(
        _ what: String, _ answer: MethodReply, _ body: (WireHandle) -> Int32
    ) throws(AMQPError) {
        try send(what, body)
        try awaitEvent(what) { $0 == .reply(answer) ? () : nil }
    }

    // MARK: The end

    /// Closes channel and connection as the protocol wants it, within three seconds; errors do not matter any more.
    func close() {
        guard !isClosed else { return abandon() }
        do throws(AMQPError) {
            onEvent = { _ in }
            try sendWithArena("closing") {
                unsafe crmq_connection_close($0.state, 200, $1.bytes("closed by the client"))
            }
            // A broker in an alarm does not read what a publisher sends, so it may never answer.
            let patience = min(configuration.rpcTimeout, .seconds(3))
            try awaitEvent("closing", within: patience) {
                $0 == .reply(.done(method: AMQP_CONNECTION_CLOSE_OK_METHOD)) ? () : nil
            }
        } catch {
            // The socket is closed below whatever the broker said.
        }
        abandon()
    }

    /// Drops the connection without a word.
    func abandon() {
        isClosed = true
        isChannelOpen = false
        Watchdog.shared.release(watchdog)
        wire.destroy()
    }
}
