// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// Reads the `downloadUrl` of a job.
enum LinkReader {
    private static let maximumBytes = 8192

    /// The link, made absolute against `base`; nil where no request could be made of it.
    ///
    /// A URL of another scheme is passed on as it is: opening it refuses it by name, which is not the same as a job
    /// that has no link. An absolute URL keeps every byte, because it may be signed.
    static func link(_ text: String, base: String) -> DownloadLink? {
        guard (1...maximumBytes).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }),
            !text.utf8.allSatisfy({ $0 == 0x20 })
        else { return nil }
        if let scheme = scheme(of: text) {
            guard scheme == "http" || scheme == "https" else { return DownloadLink(url: text) }
            if (try? WebURL(text)) != nil { return DownloadLink(url: text) }
        }
        guard let resolved = try? WebURL(base).resolving(relative: text) else { return nil }
        return DownloadLink(url: resolved.string)
    }

    /// The scheme in lower case where the text begins with one (RFC 3986 §3.1).
    private static func scheme(of text: String) -> String? {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let scheme = text[..<colon].lowercased()
        guard let first = scheme.utf8.first, (0x61...0x7A).contains(first) else { return nil }
        let isScheme = scheme.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "+")
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
        return isScheme ? scheme : nil
    }
}
