// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCRC32C

/// A CRC32C over bytes that come in pieces.
package struct CRC32C: Sendable, Hashable {
    /// The finished checksum of what was seen so far; 0 for nothing.
    package private(set) var value: UInt32

    /// The checksum of no bytes.
    package init() { value = 0 }

    /// The checksum of bytes in memory.
    package init(_ bytes: [UInt8]) {
        self.init()
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    /// Extends the checksum over more bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        value = unsafe crc32c_extend(value, bytes.baseAddress, bytes.count)
    }

    /// Extends the checksum over `length` bytes whose own checksum is known, without reading them again.
    package mutating func append(_ other: CRC32C, length: Int) {
        value = crc32c_combine(value, other.value, UInt64(length))
    }

    /// As S3 writes it: Base64 of the four bytes, the highest first.
    package var base64: String {
        ByteText.base64((0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) })
    }
}
