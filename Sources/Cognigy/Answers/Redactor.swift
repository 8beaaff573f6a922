// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// Takes known secrets and the queries of URLs out of text that a remote side wrote, before it goes anywhere.
///
/// A server may repeat what it was sent; an error message that names a signed URL is itself a key.
struct Redactor: Sendable {
    static let mark = "<redacted>"
    private static let ends = Set("\"'<>()[]{}`".utf8)

    private let secrets: [[UInt8]]

    /// Secrets of fewer than four bytes are not looked for: they would be found everywhere.
    init(secrets: [String]) {
        var forms: Set<[UInt8]> = []
        for secret in secrets where secret.utf8.count >= 4 {
            forms.insert(Array(secret.utf8))
            forms.insert(Array(FormEncoding.encoded(secret).utf8))
            forms.insert(Array(PercentEncoding.encode(secret).utf8))
        }
        // Longest first, so that no part of a secret stays when another one is contained in it.
        self.secrets = forms.sorted { $0.count > $1.count }
    }

    /// The text without secrets and queries, cleaned and cut to `limit` bytes.
    func cleaned(_ text: String, limit: Int = RemoteText.maximumBytes) -> String {
        var bytes = Array(text.utf8)
        for secret in secrets { bytes = Self.removing(secret, from: bytes) }
        return RemoteText.cleaned(String(decoding: Self.withoutQueries(bytes), as: UTF8.self), limit: limit)
    }

    private static func removing(_ secret: [UInt8], from bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= secret.count else { return bytes }
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == secret[0], bytes[index...].starts(with: secret) {
                result.append(contentsOf: mark.utf8)
                index += secret.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    /// Cuts every word that looks like a URL with parameters (`…?name=value`) behind its question mark.
    private static func withoutQueries(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            result.append(bytes[index])
            index += 1
            guard bytes[index - 1] == UInt8(ascii: "?") else { continue }
            let end = bytes[index...].firstIndex { $0 <= 0x20 || ends.contains($0) } ?? bytes.count
            guard bytes[index..<end].contains(UInt8(ascii: "=")) else { continue }
            result.append(contentsOf: mark.utf8)
            index = end
        }
        return result
    }
}
