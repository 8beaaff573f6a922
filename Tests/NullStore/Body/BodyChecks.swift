// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a request says of its body, all of which is checked.
struct BodyChecks: Equatable {
    /// How the body is laid out.
    enum Layout: Equatable {
        case plain
        /// Chunks of AWS's own, with headers behind them.
        case chunked(decodedLength: Int?)
    }

    var layout = Layout.plain
    /// The signed payload: hexadecimal SHA-256.
    var signedSHA256: String?
    /// Base64 of a checksum in a header.
    var crc32c: String?
    var sha256: String?
    var md5: String?
    /// The checksum that comes behind the body must be there.
    var expectsTrailer = false

    init(_ headers: [(name: String, value: String)]) throws(Refusal) {
        for (name, value) in headers {
            switch name {
            case "x-amz-content-sha256": try read(payload: value)
            case "x-amz-checksum-crc32c": crc32c = value
            case "x-amz-checksum-sha256": sha256 = value
            case "content-md5": md5 = value
            case "x-amz-decoded-content-length": layout = .chunked(decodedLength: Int(value))
            case "x-amz-trailer":
                guard value.lowercased() == "x-amz-checksum-crc32c" else { throw Self.unknown("the trailer \(value)") }
                expectsTrailer = true
            case "x-amz-checksum-type", "x-amz-checksum-algorithm", "x-amz-checksum-mode": break
            default:
                if name.hasPrefix("x-amz-checksum-") { throw Self.unknown(name) }
            }
        }
    }

    private mutating func read(payload: String) throws(Refusal) {
        switch payload {
        case "UNSIGNED-PAYLOAD": break
        case "STREAMING-UNSIGNED-PAYLOAD-TRAILER": if layout == .plain { layout = .chunked(decodedLength: nil) }
        default:
            guard payload.utf8.count == 64, !payload.hasPrefix("STREAMING") else { throw Self.unknown(payload) }
            signedSHA256 = payload
        }
    }

    private static func unknown(_ what: String) -> Refusal {
        Refusal(501, "NotImplemented", "\(what): this store verifies CRC32C, SHA-256 and MD5, no signed chunks")
    }
}
