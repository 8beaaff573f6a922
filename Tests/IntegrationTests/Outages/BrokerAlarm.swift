// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestKit

/// What a broker in an alarm says, put behind its heartbeats: `connection.blocked`, and in the end
/// `connection.unblocked`.
final class BrokerAlarm: Sendable {
    private enum Phase { case silent, sounding, over }

    private let phase = Mutex(Phase.silent)
    private let count = Watched(0)

    init(on broker: TCPProxy) {
        broker.mangle { [weak self] bytes in
            guard bytes.suffix(8) == [8, 0, 0, 0, 0, 0, 0, 0xCE], let self else { return }
            switch self.phase.withLock({ $0 }) {
            case .silent: break
            case .sounding:
                bytes += Self.frame(method: 60, arguments: [6] + Array("memory".utf8))
                self.count.update { $0 += 1 }
            case .over: bytes += Self.frame(method: 61, arguments: [])
            }
        }
    }

    func sound() { phase.withLock { $0 = .sounding } }
    func end() { phase.withLock { $0 = .over } }
    func hasSounded(_ times: Int) async -> Bool { await count.wait { $0 >= times } }

    /// A method of the connection class (10) on channel 0.
    private static func frame(method: UInt8, arguments: [UInt8]) -> [UInt8] {
        [1, 0, 0, 0, 0, 0, UInt8(4 + arguments.count), 0, 10, 0, method] + arguments + [0xCE]
    }
}
