// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc

/// Where a secret comes from: the configuration itself, or a file that may be replaced while the worker runs.
package enum SecretSource: Sendable, Hashable {
    case inline(Secret)
    /// The path of a text file; one line end at the end of the text does not count.
    case file(path: String)

    /// The largest secret file that is read, in bytes.
    package static let maximumBytes = 64 * 1024

    /// Reads the secret as it is now. A file is read each time: blocking, so call it from a thread of your own, or
    /// use `current()`.
    package func value() throws(SecretError) -> Secret {
        switch self {
        case .inline(let secret): return secret
        case .file(let path): return try Self.read(path)
        }
    }

    /// The secret as it is now, read on a thread that is not one of the cooperative pool.
    package func current() async throws(SecretError) -> Secret {
        if case .inline(let secret) = self { return secret }
        let result = await OwnThread.run { () -> Result<Secret, SecretError> in
            do throws(SecretError) { return .success(try self.value()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// What changes when the file is replaced or rewritten; nil for an inline secret and for a file that is not there.
    /// Blocking, as `value()`.
    package func stamp() -> SecretStamp? {
        guard case .file(let path) = self else { return nil }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return SecretStamp(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int64(status.st_mtim.tv_nsec))
    }

    private static func read(_ path: String) throws(SecretError) -> Secret {
        let data: Data
        switch SmallFile.read(path, maximumBytes: maximumBytes) {
        case .success(let contents): data = contents
        case .failure(let error): throw SecretError(code: .unreadable, path: path, reason: error.reason)
        }
        guard var text = String(data: data, encoding: .utf8) else {
            throw SecretError(code: .malformed, path: path, reason: "it is not UTF-8 text")
        }
        // Swift sees CR LF as one character, which is what an editor under Windows leaves.
        if let last = text.last, last == "\n" || last == "\r\n" { text.removeLast() }
        guard !text.isEmpty else { throw SecretError(code: .malformed, path: path, reason: "it is empty") }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw SecretError(code: .malformed, path: path, reason: "it holds control characters or several lines")
        }
        return Secret(text)
    }
}

/// The identity of a secret file's contents, as far as the file system tells.
package struct SecretStamp: Sendable, Hashable {
    package let device: UInt64
    package let inode: UInt64
    package let size: Int64
    package let seconds: Int64
    package let nanoseconds: Int64
}

/// A secret file that could not be used. The message names the path and never the contents.
package struct SecretError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable { case unreadable, malformed }

    package let code: Code
    package let path: String
    package let reason: String
    /// A file that is being replaced may be gone or empty for a moment.
    package var isRetriable: Bool { true }

    package var description: String {
        "the secret file \(path) cannot be used: \(reason). Put the secret alone on one line of a file "
            + "that the worker may read."
    }
}
