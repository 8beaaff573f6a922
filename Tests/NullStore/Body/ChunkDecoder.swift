// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Takes AWS's chunks apart: `size[;extension]`, bytes, …, a chunk of no bytes, headers.
struct ChunkDecoder {
    private enum State: Equatable {
        case size
        case bytes(left: Int)
        case endOfBytes
        case trailer
        case done
    }

    private var state = State.size
    private var line: [UInt8] = []
    /// What came behind the bytes, names in lower case.
    private(set) var trailer: [(name: String, value: String)] = []

    var isComplete: Bool { state == .done }

    /// Takes in what has arrived and hands on the bytes in it.
    mutating func decode(_ buffer: ByteBuffer, _ consume: (ByteBuffer) -> Void) throws(Refusal) {
        var buffer = buffer
        while buffer.readableBytes > 0 {
            if case .bytes(let left) = state {
                guard let slice = buffer.readSlice(length: min(left, buffer.readableBytes)) else { return }
                consume(slice)
                let rest = left - slice.readableBytes
                state = rest == 0 ? .endOfBytes : .bytes(left: rest)
            } else if let text = readLine(&buffer) {
                try take(text)
            } else if line.count > 8192 {
                throw Self.malformed
            }
        }
    }

    /// A whole line, or nil while its end has not come; blanks at its end do not belong to it.
    private mutating func readLine(_ buffer: inout ByteBuffer) -> String? {
        let view = buffer.readableBytesView
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            line += view
            buffer.moveReaderIndex(to: buffer.writerIndex)
            return nil
        }
        line += view[..<end]
        buffer.moveReaderIndex(to: end + 1)
        defer { line.removeAll(keepingCapacity: true) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }

    private mutating func take(_ text: String) throws(Refusal) {
        switch state {
        case .size:
            guard let size = Int(text.prefix { $0 != ";" }, radix: 16), size >= 0 else { throw Self.malformed }
            state = size == 0 ? .trailer : .bytes(left: size)
        case .endOfBytes:
            guard text.isEmpty else { throw Self.malformed }
            state = .size
        case .trailer:
            if text.isEmpty {
                state = .done
            } else if let colon = text.firstIndex(of: ":") {
                let value = text[text.index(after: colon)...].drop { $0 == " " }
                trailer.append((text[..<colon].lowercased(), String(value)))
            }
        case .done, .bytes: throw Self.malformed
        }
    }

    private static let malformed = Refusal(400, "InvalidRequest", "the chunks of the body are malformed")
}
