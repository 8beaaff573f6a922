// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// User metadata as headers.
///
/// HTTP carries printable ASCII safely and nothing else. Any other value goes as one RFC 2047 encoded word,
/// `=?UTF-8?B?…?=`, which is also the form in which S3 itself returns such values; reading decodes it again.
enum ObjectMetadata {
    private static let prefix = "x-amz-meta-"

    /// The headers of `metadata`, sorted by name; a name that is no header name is `invalidRequest`.
    static func headers(_ metadata: [String: String]) throws(S3Error) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, name.utf8.count <= 128, name.utf8.allSatisfy(isNameByte) else {
                throw S3Error(.invalidRequest, "\"\(ByteText.cleaned(name))\" is no name for object metadata.")
            }
            result.append((prefix + name.lowercased(), encoded(value)))
        }
        return result
    }

    /// The metadata among the headers of an answer.
    static func decoded(_ headers: HTTPHeaders) -> [String: String] {
        var result: [String: String] = [:]
        for (name, value) in headers where name.lowercased().hasPrefix(prefix) {
            result[String(name.lowercased().dropFirst(prefix.count))] = decoded(value)
        }
        return result
    }

    static func encoded(_ value: String) -> String {
        let isPlain =
            value.utf8.allSatisfy { (32...126).contains($0) } && !value.hasPrefix(" ") && !value.hasSuffix(" ")
            && !value.contains("  ") && !value.contains("=?")
        return isPlain ? value : "=?UTF-8?B?\(ByteText.base64(Array(value.utf8)))?="
    }

    static func decoded(_ value: String) -> String {
        let parts = value.split(separator: "?", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "=", parts[4] == "=", parts[1].lowercased() == "utf-8" else { return value }
        switch parts[2] {
        case "B", "b":
            guard let bytes = ByteText.decodingBase64(String(parts[3])) else { return value }
            return String(decoding: bytes, as: UTF8.self)
        case "Q", "q":
            let percents = parts[3].replacing("%", with: "%25").replacing("_", with: " ").replacing("=", with: "%")
            return URIEncoding.decoded(String(percents))
        default: return value
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
