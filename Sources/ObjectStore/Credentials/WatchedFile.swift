// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// A small file that is read again when it has changed. Every call reads the disk: call it on a `WorkQueue`.
struct WatchedFile: Sendable {
    /// What tells one version of a file from the next: a replaced file has another inode even within one clock tick.
    struct Version: Sendable, Hashable {
        let modified: Date?
        let size: Int
        let inode: Int
    }

    static let maximumBytes = 1 << 20

    let path: String

    /// The version on disk; nil where there is no file.
    func version() -> Version? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
        return Version(
            modified: attributes[.modificationDate] as? Date, size: Self.number(attributes[.size]),
            inode: Self.number(attributes[.systemFileNumber]))
    }

    /// The text; nil where the file cannot be read, is larger than 1 MiB or is not UTF-8.
    func text() -> String? {
        guard let version = version(), version.size <= Self.maximumBytes,
            let data = FileManager.default.contents(atPath: path)
        else { return nil }
        return String(data: data, encoding: .utf8)
    }

    private static func number(_ value: Any?) -> Int {
        if let number = value as? Int { return number }
        if let number = value as? UInt64 { return Int(clamping: number) }
        return (value as? UInt).map { Int(clamping: $0) } ?? -1
    }
}
