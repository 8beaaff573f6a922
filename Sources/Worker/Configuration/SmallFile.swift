// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc

/// Reads files that are known to be small, and refuses those that are not.
enum SmallFile {
    struct Failure: Error {
        let reason: String
    }

    /// The bytes of a file (or pipe), or why there are none. Blocking.
    static func read(_ path: String, maximumBytes: Int) -> Result<Data, Failure> {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(Failure(reason: lastError())) }
        defer { _ = close(descriptor) }
        return read(descriptor: descriptor, maximumBytes: maximumBytes)
    }

    /// The rest of an open file, or why there is none. Blocking.
    static func read(descriptor: Int32, maximumBytes: Int) -> Result<Data, Failure> {
        var data = Data()
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return .failure(Failure(reason: lastError())) }
            guard count > 0 else { return .success(data) }
            data.append(contentsOf: chunk[..<count])
            guard data.count <= maximumBytes else {
                return .failure(Failure(reason: "it is larger than \(SizeText.format(maximumBytes))"))
            }
        }
    }

    private static func lastError() -> String {
        let code = errno
        return unsafe String(cString: strerror(code))
    }
}
