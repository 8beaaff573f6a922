// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ
internal import Glibc

/// The raw handle, for the length of a call.
@safe struct WireHandle {
    let state: OpaquePointer
}

/// librabbitmq's connection handle: opened, used and destroyed by one thread.
///
/// After any error the handle is only good for `destroy`: 0.11 can crash when it reads on after bad data.
@safe final class WireConnection {
    private let state: OpaquePointer
    private let socket: OpaquePointer
    private let broker: String
    private var isDestroyed = false
    private var isBroken = false

    /// Makes the handle and opens its socket: TCP, and TLS where the endpoint says so. Blocks up to `timeout` after the
    /// name was resolved.
    init(endpoint: AMQPEndpoint, tls: AMQPTLS, timeout: Duration) throws(AMQPError) {
        guard let state = unsafe amqp_new_connection() else {
            throw AMQPError(.system, "Out of memory for a broker connection.")
        }
        do throws(AMQPError) {
            let socket = unsafe try WireConnection.makeSocket(state, endpoint: endpoint, tls: tls)
            let status = unsafe crmq_socket_open(socket, endpoint.host, Int32(endpoint.port), timeout.milliseconds)
            guard status == AMQP_STATUS_OK.rawValue else {
                throw WireStatus.openError(status, endpoint: endpoint, tls: tls)
            }
            unsafe self.socket = socket
        } catch {
            unsafe amqp_destroy_connection(state)
            throw error
        }
        unsafe self.state = state
        self.broker = "\(endpoint)"
    }

    /// Takes over a stream that is connected already, in the state before the login, and closes it in the end.
    init(adopting descriptor: Int32, broker: String) throws(AMQPError) {
        guard let state = unsafe amqp_new_connection() else {
            throw AMQPError(.system, "Out of memory for a broker connection.")
        }
        guard let socket = unsafe amqp_tcp_socket_new(state) else {
            unsafe amqp_destroy_connection(state)
            throw AMQPError(.system, "Out of memory for a broker connection.")
        }
        unsafe amqp_tcp_socket_set_sockfd(socket, descriptor)
        unsafe self.state = state
        unsafe self.socket = socket
        self.broker = broker
    }

    deinit {
        destroy()
    }

    private static func makeSocket(
        _ state: OpaquePointer, endpoint: AMQPEndpoint, tls: AMQPTLS
    ) throws(AMQPError) -> OpaquePointer {
        let made = unsafe endpoint.useTLS ? amqp_ssl_socket_new(state) : amqp_tcp_socket_new(state)
        guard let socket = unsafe made else { throw AMQPError(.system, "Out of memory for a broker connection.") }
        if endpoint.useTLS { unsafe try configure(socket, tls) }
        return unsafe socket
    }

    private static func configure(_ socket: OpaquePointer, _ tls: AMQPTLS) throws(AMQPError) {
        func refuse(_ what: String) -> AMQPError { AMQPError(.tls, what, isRetriable: false) }
        guard unsafe crmq_tls_harden(socket) == AMQP_STATUS_OK.rawValue else {
            throw refuse("This OpenSSL cannot do TLS 1.2.")
        }
        guard let caFile = tls.caFile ?? SystemCertificates.bundle else {
            throw refuse("No bundle of certificate authorities was found on this system: name one as CA file.")
        }
        guard unsafe amqp_ssl_socket_set_cacert(socket, caFile) == AMQP_STATUS_OK.rawValue else {
            throw refuse("The CA file \(caFile) cannot be read as PEM certificates.")
        }
        guard let certificate = tls.certificateFile, let key = tls.keyFile else { return }
        guard unsafe amqp_ssl_socket_set_key(socket, certificate, key) == AMQP_STATUS_OK.rawValue else {
            throw refuse(
                "The client certificate \(certificate) and key \(key) cannot be used: both must be readable PEM "
                    + "files, fit each other, and the key must not be encrypted.")
        }
    }

    /// The socket, -1 when it is closed.
    var descriptor: Int32 { isDestroyed ? -1 : unsafe amqp_get_sockfd(state) }
    /// The negotiated bytes of a frame.
    var frameMax: Int { Int(unsafe amqp_get_frame_max(state)) }
    /// The negotiated heartbeat; nil when off.
    var heartbeat: Duration? {
        let seconds = unsafe amqp_get_heartbeat(state)
        return seconds > 0 ? .seconds(Int(seconds)) : nil
    }

    /// Whether frames wait inside the library, where poll does not see them.
    var hasBufferedInput: Bool {
        guard !isBroken else { return false }
        return unsafe amqp_frames_enqueued(state) != 0 || amqp_data_in_buffer(state) != 0
    }

    /// The AMQP handshake; returns what the broker says about itself.
    func login(
        _ endpoint: AMQPEndpoint, heartbeat: Duration, properties: AMQPTable, timeout: Duration
    ) throws(AMQPError) -> AMQPServerInfo {
        unsafe crmq_set_timeouts(state, timeout.milliseconds, timeout.milliseconds)
        let seconds = Int32(clamping: heartbeat.components.seconds)
        // 131072 is RabbitMQ's own default; 4.1 and newer refuse less than 8192.
        let frameMax: Int32 = 131_072
        let reply = unsafe try CArena.with { (arena) throws(AMQPError) in
            var table = unsafe arena.table(properties)
            switch endpoint.mechanism {
            case .plain:
                return unsafe crmq_login_plain(
                    state, endpoint.virtualHost, frameMax, seconds, &table, endpoint.user, endpoint.password)
            case .external:
                return unsafe crmq_login_external(state, endpoint.virtualHost, frameMax, seconds, &table, endpoint.user)
            }
        }
        try unsafe checkLogin(reply, endpoint)
        return unsafe ServerProperties.read(amqp_get_server_properties(state).pointee)
    }

    private func checkLogin(_ reply: amqp_rpc_reply_t, _ endpoint: AMQPEndpoint) throws(AMQPError) {
        switch unsafe reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            guard unsafe reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD, let decoded = unsafe reply.reply.decoded else {
                break
            }
            let close = unsafe decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            let text = unsafe FieldDecoder.words(close.reply_text)
            let code = Int(unsafe close.reply_code)
            _ = unsafe crmq_connection_close_ok(state)
            throw WireStatus.loginRefused(code, text, endpoint: endpoint)
        default: break
        }
        let status = unsafe reply.library_error
        switch amqp_status_enum(rawValue: status) {
        case AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD:
            throw AMQPError(
                .refusedCredentials,
                "\(endpoint) does not offer the authentication mechanism asked for: enable it "
                    + "there, or change auth_mechanism in the URL.", underlying: WireStatus.text(status))
        case AMQP_STATUS_TIMEOUT:
            throw AMQPError(
                .connect,
                "\(endpoint) took the connection but did not answer the AMQP handshake in time: check that "
                    + "it is a broker and not overloaded.", underlying: WireStatus.text(status))
        default:
            throw AMQPError(
                .connect, "The AMQP handshake with \(endpoint) failed: check that it is an AMQP 0-9-1 port.",
                underlying: WireStatus.text(status))
        }
    }

    /// The next frame, or nil when there is none now. Frees the library's memory of the last one.
    func nextFrame(keepingBody: Bool) throws(AMQPError) -> WireFrame? {
        guard !isBroken else {
            throw WireStatus.error(AMQP_STATUS_SOCKET_CLOSED.rawValue, doing: "reading", broker: broker)
        }
        var frame = unsafe amqp_frame_t()
        let status = unsafe crmq_next_frame(state, &frame)
        if status == AMQP_STATUS_TIMEOUT.rawValue {
            unsafe amqp_maybe_release_buffers(state)
            return nil
        }
        try check(status, "reading")
        let copy = unsafe WireFrame(frame, keepingBody: keepingBody)
        unsafe amqp_maybe_release_buffers(state)
        return copy
    }

    /// Sends something: `body` calls C with the handle and returns its status.
    func send(_ what: String, _ body: (WireHandle) -> Int32) throws(AMQPError) {
        guard !isBroken else { throw WireStatus.error(AMQP_STATUS_SOCKET_CLOSED.rawValue, doing: what, broker: broker) }
        try check(body(unsafe WireHandle(state: state)), what)
    }

    /// A negative status breaks the connection for good.
    private func check(_ status: Int32, _ what: String) throws(AMQPError) {
        guard status < 0 else { return }
        isBroken = true
        throw WireStatus.error(status, doing: what, broker: broker)
    }

    /// Frees everything; the socket is closed without a goodbye.
    func destroy() {
        guard !isDestroyed else { return }
        isDestroyed = true
        isBroken = true
        unsafe amqp_destroy_connection(state)
    }
}

/// The certificate authorities this system trusts; librabbitmq 0.11 knows no default.
enum SystemCertificates {
    static var bundle: String? {
        [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
        ].first { unsafe access($0, R_OK) == 0 }
    }
}

/// Reads the server properties of connection.start.
enum ServerProperties {
    static func read(_ raw: amqp_table_t) -> AMQPServerInfo {
        let table = unsafe FieldDecoder.table(raw)
        func text(_ key: String) -> String { table[key]?.stringValue ?? "" }
        var info = AMQPServerInfo(
            product: text("product"), version: text("version"), platform: text("platform"),
            clusterName: text("cluster_name"))
        if case .table(let capabilities) = table["capabilities"] {
            info.capabilities = Set(capabilities.entries.filter { $0.value == .bool(true) }.map(\.key))
        }
        return info
    }
}
