// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a `Range` header asks for (RFC 9110 §14).
enum ByteRange: Sendable, Hashable {
    case whole
    case part(Range<Int>)
    case unsatisfiable

    /// Reads `Range` and `If-Range`. Other units, several ranges and broken headers mean the whole, as the RFC allows.
    static func parse(_ request: SimulatorRequest, _ content: ArtifactContent) -> ByteRange {
        guard let header = request.header("range"), header.hasPrefix("bytes=") else { return .whole }
        if let tag = request.header("if-range"), tag != content.entityTag { return .whole }
        return parse(header.dropFirst("bytes=".count), size: content.size)
    }

    /// Reads the part of the header behind `bytes=`.
    static func parse(_ text: Substring, size: Int) -> ByteRange {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return .whole }
        switch (number(ends[0]), number(ends[1])) {
        case (let first?, nil) where ends[1].isEmpty:
            return first < size ? .part(first..<size) : .unsatisfiable
        case (let first?, let last?) where first <= last:
            return first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
        case (nil, let suffix?) where ends[0].isEmpty:
            return suffix > 0 && size > 0 ? .part(max(0, size - suffix)..<size) : .unsatisfiable
        default:
            return .whole
        }
    }

    private static func number(_ text: Substring) -> Int? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
    }
}
