// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

@testable import AMQP
@testable import ExportPipeline
@testable import Worker

extension FuzzTarget {
    /// The input is what a broker sends after the login: raw frames, read by librabbitmq from a socket and from there
    /// all the way to a command.
    static let amqp = FuzzTarget(name: "amqp", summary: "AMQP frames, headers and properties") { input in
        let (near, far) = try socketPair()
        let wire: WireConnection
        do {
            defer { close(far) }
            wire = try WireConnection(adopting: near, broker: "amqp://broker:5672")
            // What the socket does not take is not sent: nobody reads yet, and waiting would be for ever.
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            _ = unsafe input.withUnsafeBytes { unsafe send(far, $0.baseAddress, $0.count, flags) }
        }
        defer { wire.destroy() }
        do {
            try readFrames(of: wire)
        } catch let error as AMQPError {
            try claimPrintable(error.message, "the reason")
            try claim(error.underlying?.unicodeScalars.contains(where: isHidden) != true, "the broker's words")
        }
    }

    private static func socketPair() throws -> (near: Int32, far: Int32) {
        var sockets: [Int32] = [-1, -1]
        let status = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets)
        try claim(status == 0, "no sockets: error \(errno)")
        return (sockets[0], sockets[1])
    }

    private static func readFrames(of wire: WireConnection) throws {
        var assembler = FrameAssembler(maximumBodyBytes: 4096)
        while let frame = try wire.nextFrame(keepingBody: assembler.keepsBody) {
            switch frame {
            case .content(let head): try assembler.begin(head)
            case .header(let size, let properties):
                try check(properties)
                if let content = try assembler.header(bodySize: size, properties: properties) { try check(content) }
            case .body(let bytes, let count):
                if let content = try assembler.body(bytes, count: count) { try check(content) }
            case .channelClose(let code, let text):
                throw WireStatus.closed(code, text, channel: true, broker: "broker")
            case .connectionClose(let code, let text):
                throw WireStatus.closed(code, text, channel: false, broker: "broker")
            case .unexpected(let what): try claimPrintable(what, "a frame's name")
            default: break
            }
        }
    }

    private static func check(_ content: Content) throws {
        try claim(
            content.isOversized || UInt64(content.body.count) == content.bodySize || content.body.isEmpty,
            "a body cut short")
        try claim(content.isOversized == (content.bodySize > 4096), "a body of \(content.bodySize) taken for small")
        guard let delivery = AMQPDelivery(content, queue: "commands", generation: 1) else { return }
        try CommandClaims.check(IncomingMessage(delivery), limits: CommandLimits(maximumBytes: 4096))
        // What `dead list` and `dead show` make of it.
        let letter = DeadLetter(position: 1, delivery, maximumBytes: 4096)
        try claim(letter.deaths.count <= 32 && !letter.name.isEmpty, "\(letter.deaths.count) deaths of \(letter.name)")
        for object in [delivery.properties.headers.json, delivery.properties.json] {
            try claim((try? StrictJSON.parse(JSONWriter.bytes(of: object))) != nil, "headers that are shown as no JSON")
        }
    }

    /// What was decoded keeps to the limits, and is the same after a turn through librabbitmq's own structures.
    private static func check(_ properties: AMQPProperties) throws {
        var count = 0
        try measure(.table(properties.headers), depth: 0, &count)
        try claim(count <= FieldDecoder.maximumValues, "\(count) values in the headers")
        var expected = properties
        expected.headers.isTruncated = false
        let again = try CArena.with { unsafe FieldDecoder.properties($0.properties(expected)) }
        // Not a number is not even equal to itself.
        guard !String(describing: expected).contains("nan") else { return }
        try claimSame(again, expected, "properties encoded and decoded again")
    }

    private static func measure(_ value: AMQPFieldValue, depth: Int, _ count: inout Int) throws {
        switch value {
        case .table(let table):
            try claim(depth < FieldDecoder.maximumDepth, "tables \(depth + 1) deep")
            count += table.count
            for entry in table.entries { try measure(entry.value, depth: depth + 1, &count) }
        case .array(let values):
            try claim(depth < FieldDecoder.maximumDepth, "arrays \(depth + 1) deep")
            count += values.count
            for value in values { try measure(value, depth: depth + 1, &count) }
        case .string(let text): try claim(text.utf8.count <= FieldDecoder.maximumStringBytes, "a long string")
        case .bytes(let bytes): try claim(bytes.count <= FieldDecoder.maximumStringBytes, "long bytes")
        default: break
        }
    }
}
