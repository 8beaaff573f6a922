// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import Testing

@testable internal import NullStore

@Suite struct BodyTests {
    private static let hello = Array("hello world".utf8)
    /// Of "hello world".
    private static let right = [
        "x-amz-checksum-crc32c": "yZRlqg==", "content-md5": "XrY7u+Ae7tCTyyK7j1rNww==",
        "x-amz-checksum-sha256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
        "x-amz-content-sha256": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
    ]

    private func receive(_ headers: [String: String], _ pieces: [[UInt8]]) throws(Refusal) -> ReceivedBody {
        var receiver = BodyReceiver(try BodyChecks(headers.map { (name: $0.key, value: $0.value) }))
        for piece in pieces { try receiver.receive(ByteBuffer(bytes: piece)) }
        return try receiver.finish()
    }

    @Test func verifiesWhatIsSaid() throws {
        let body = try receive(Self.right, [Array(Self.hello[..<3]), Array(Self.hello[3...])])
        #expect(body.size == 11)
        #expect(body.bytes == Self.hello)
        #expect(body.verified == ["crc32c", "md5", "sha256"])
    }

    @Test(arguments: right.keys.sorted()) func refusesOtherBytes(_ header: String) throws {
        let value = try #require(Self.right[header])
        let refusal = #expect(throws: Refusal.self) {
            try receive([header: value], [Array("hello worle".utf8)])
        }
        #expect(["BadDigest", "XAmzContentSHA256Mismatch"].contains(refusal?.code))
    }

    @Test func saysWhatItCannotVerify() {
        #expect(throws: Refusal.self) { try receive(["x-amz-checksum-crc64nvme": "AAAAAAAAAAA="], []) }
        #expect(throws: Refusal.self) {
            try receive(["x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"], [])
        }
    }

    private static let chunkedHeaders = [
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "11",
        "x-amz-trailer": "x-amz-checksum-crc32c",
    ]
    private static let chunked = Array(
        "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-amz-checksum-crc32c:yZRlqg==\r\n\r\n".utf8)

    @Test(arguments: 0..<chunked.count) func decodesChunksCutAnywhere(_ cut: Int) throws {
        let body = try receive(Self.chunkedHeaders, [Array(Self.chunked[..<cut]), Array(Self.chunked[cut...])])
        #expect(body.bytes == Self.hello)
        #expect(body.verified == ["crc32c"])
    }

    @Test(arguments: [
        "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",  // no trailer
        "5\r\nhello\r\n6\r\n worle\r\n0\r\nx-amz-checksum-crc32c:yZRlqg==\r\n\r\n",  // other bytes
        "5\r\nhello\r\n6\r\n world\r\n",  // no end
        "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n",  // shorter than announced
        "5\r\nhelloX\r\n",
        "five\r\nhello\r\n",
    ]) func refusesChunksThatAreNotRight(_ text: String) {
        #expect(throws: Refusal.self) { try receive(Self.chunkedHeaders, [Array(text.utf8)]) }
    }

    @Test func keepsSmallBodiesOnly() throws {
        let body = try receive([:], [[UInt8](repeating: 1, count: BodyReceiver.keptBytes), [1]])
        #expect(body.size == BodyReceiver.keptBytes + 1)
        #expect(body.bytes == nil)
    }

    @Test func readsTheNamesOfParts() {
        let text = """
            <CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;a-part&quot;</ETag>
            <ChecksumCRC32C>yZRlqg==</ChecksumCRC32C></Part><Part><ETag>"b"</ETag><PartNumber>2</PartNumber></Part>
            </CompleteMultipartUpload>
            """
        #expect(
            XMLText.parts(Array(text.utf8)) == [
                NamedPart(number: 1, etag: "\"a-part\"", crc32c: "yZRlqg=="),
                NamedPart(number: 2, etag: "\"b\"", crc32c: nil),
            ])
        #expect(XMLText.parts(Array("<Delete/>".utf8)) == nil)
    }

    @Test func writesAndReadsDates() {
        #expect(XMLText.date(1_369_353_600) == "2013-05-24T00:00:00.000Z")
        #expect(XMLText.httpDate(1_369_353_600) == "Fri, 24 May 2013 00:00:00 GMT")
        #expect(BasicDate.seconds("20130524T000000Z") == 1_369_353_600)
        #expect(BasicDate.seconds("20130524") == nil)
    }
}
