// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import Glibc

/// Where commands write their results: standard output for what was asked, standard error for what went wrong.
enum CommandOutput {
    static func print(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
    static func complain(_ line: String) { write("nlu-export-worker: \(line)\n", to: STDERR_FILENO) }

    /// Writes everything, whatever the stream is connected to; a closed pipe ends it silently.
    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

extension WorkerExit {
    /// How a command ends that could not talk to the broker.
    init(_ error: AMQPError) {
        switch error.code {
        case .refusedCredentials, .accessRefused: self = .refused
        case .invalidConfiguration, .passwordUnavailable, .topologyMismatch: self = .configuration
        case .invalidMessage: self = .usage
        default: self = .unavailable
        }
    }
}
