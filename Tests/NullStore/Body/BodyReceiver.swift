// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCRC32C
internal import Crypto
internal import NIOCore

/// A body as it was received and found right.
struct ReceivedBody {
    var size = 0
    var crc32c: UInt32 = 0
    /// The bytes, while they are few.
    var bytes: [UInt8]? = []
    /// What was compared with what the client had said: `crc32c`, `sha256`, `md5`.
    var verified: Set<String> = []
}

/// Computes over a body that goes by what its request has said of it, and keeps nothing but a small body.
struct BodyReceiver {
    /// The largest body that is kept.
    static let keptBytes = 64 << 10

    private let checks: BodyChecks
    private let limit: Int
    private var body = ReceivedBody()
    private var sha256: SHA256?
    private var md5: Insecure.MD5?
    private var decoder: ChunkDecoder?

    init(_ checks: BodyChecks, keeping limit: Int = Self.keptBytes) {
        self.checks = checks
        self.limit = limit
        if checks.signedSHA256 != nil || checks.sha256 != nil { sha256 = SHA256() }
        if checks.md5 != nil { md5 = Insecure.MD5() }
        if checks.layout != .plain { decoder = ChunkDecoder() }
    }

    mutating func receive(_ buffer: ByteBuffer) throws(Refusal) {
        guard var decoder else { return take(buffer) }
        self.decoder = nil
        var slices: [ByteBuffer] = []
        try decoder.decode(buffer) { slices.append($0) }
        for slice in slices { take(slice) }
        self.decoder = decoder
    }

    private mutating func take(_ buffer: ByteBuffer) {
        body.size += buffer.readableBytes
        let crc = body.crc32c
        body.crc32c = unsafe buffer.withUnsafeReadableBytes { bytes in
            unsafe crc32c_extend(crc, bytes.baseAddress, bytes.count)
        }
        if sha256 != nil {
            unsafe buffer.withUnsafeReadableBytes { bytes in unsafe sha256?.update(bufferPointer: bytes) }
        }
        if md5 != nil {
            unsafe buffer.withUnsafeReadableBytes { bytes in unsafe md5?.update(bufferPointer: bytes) }
        }
        if body.size <= limit { body.bytes?.append(contentsOf: buffer.readableBytesView) } else { body.bytes = nil }
    }

    /// What came, once all of it has and agrees with what was said.
    func finish() throws(Refusal) -> ReceivedBody {
        var body = body
        var crc32c = checks.crc32c
        if let decoder {
            guard decoder.isComplete else { throw Refusal(400, "IncompleteBody", "the last chunk is missing") }
            if case .chunked(let length?) = checks.layout, length != body.size {
                throw Refusal(400, "IncompleteBody", "\(length) bytes were announced, \(body.size) came")
            }
            crc32c = decoder.trailer.first { $0.name == "x-amz-checksum-crc32c" }?.value ?? crc32c
            guard crc32c != nil || !checks.expectsTrailer else {
                throw Refusal(400, "InvalidRequest", "the announced trailer did not come")
            }
        }
        func compare(_ said: String?, _ actual: @autoclosure () -> String, _ name: String) throws(Refusal) {
            guard let said else { return }
            guard said == actual() else { throw Refusal(400, "BadDigest", "the \(name) is \(actual()), not \(said)") }
            body.verified.insert(name)
        }
        try compare(crc32c, CRC32CText.base64(body.crc32c), "crc32c")
        let digest = sha256?.finalize()
        try compare(checks.sha256, Base64.text(digest.map(Array.init) ?? []), "sha256")
        if let signed = checks.signedSHA256, signed != Hexadecimal.text(digest.map(Array.init) ?? []) {
            throw Refusal(400, "XAmzContentSHA256Mismatch", "the body is not the one that was signed")
        }
        if checks.signedSHA256 != nil { body.verified.insert("sha256") }
        try compare(checks.md5, Base64.text(md5.map { Array($0.finalize()) } ?? []), "md5")
        return body
    }
}
