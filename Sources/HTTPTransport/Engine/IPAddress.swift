// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// An internet address, and whether it belongs to the public internet.
enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// Takes 4 or 16 bytes in network order.
    init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(UInt32(truncatingIfNeeded: Self.number(bytes)))
        case 16: self = .v6(high: Self.number(bytes.prefix(8)), low: Self.number(bytes.dropFirst(8)))
        default: return nil
        }
    }

    /// Reads a literal, without brackets; `nil` when the text is a name.
    init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(bytes: bytes.prefix(4))
        } else if unsafe inet_pton(AF_INET6, text, &bytes) == 1 {
            self.init(bytes: bytes)
        } else {
            return nil
        }
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Whether the address may be that of a server on the public internet (IANA special-purpose registries).
    var isPublic: Bool {
        switch self {
        case .v4(let value): Self.isPublic(v4: value)
        case .v6(let high, let low): Self.isPublic(v6: high, low)
        }
    }

    /// Whether the first `bits` bits are those of another address of the same family.
    func isInside(_ network: IPAddress, bits: Int) -> Bool {
        switch (self, network) {
        case (.v4(let address), .v4(let base)):
            guard bits > 0, bits <= 32 else { return address == base }
            return address >> (32 - bits) == base >> (32 - bits)
        case (.v6(let high, let low), .v6(let baseHigh, let baseLow)):
            guard bits > 0, bits <= 128 else { return high == baseHigh && low == baseLow }
            guard bits > 64 else { return high >> (64 - bits) == baseHigh >> (64 - bits) }
            return high == baseHigh && low >> (128 - bits) == baseLow >> (128 - bits)
        default: return false
        }
    }
}

extension IPAddress {
    private static let special4: [(base: UInt32, bits: UInt32)] = [
        (0x0000_0000, 8),  // this network
        (0x0A00_0000, 8),  // private
        (0x6440_0000, 10),  // shared, carrier-grade NAT
        (0x7F00_0000, 8),  // loopback
        (0xA9FE_0000, 16),  // link-local, cloud metadata
        (0xAC10_0000, 12),  // private
        (0xC000_0000, 24),  // protocol assignments
        (0xC000_0200, 24),  // documentation
        (0xC058_6300, 24),  // 6to4 relays
        (0xC0A8_0000, 16),  // private
        (0xC612_0000, 15),  // benchmarks
        (0xC633_6400, 24),  // documentation
        (0xCB00_7100, 24),  // documentation
        (0xE000_0000, 3),  // multicast, reserved, broadcast
    ]

    private static func isPublic(v4 address: UInt32) -> Bool {
        !special4.contains { address >> (32 - $0.bits) == $0.base >> (32 - $0.bits) }
    }

    /// An address that embeds an IPv4 one is judged by that, so that NAT64 networks work and no form is a way round.
    private static func isPublic(v6 high: UInt64, _ low: UInt64) -> Bool {
        let last = UInt32(truncatingIfNeeded: low)
        if high == 0, low >> 32 == 0 || low >> 32 == 0xFFFF { return last > 1 && isPublic(v4: last) }
        if high == 0x0064_FF9B_0000_0000, low >> 32 == 0 { return isPublic(v4: last) }
        if high >> 48 == 0x2002 { return isPublic(v4: UInt32(truncatingIfNeeded: high >> 16)) }
        guard high >> 61 == 0b001 else { return false }  // everything but global unicast
        let isAssignment = high >> 41 == 0x2001_0000 >> 9  // 2001::/23: Teredo, ORCHID and the like
        let isDocumentation = high >> 32 == 0x2001_0DB8 || high >> 44 == 0x3FFF0
        return !isAssignment && !isDocumentation
    }
}
