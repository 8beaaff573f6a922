// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Synchronization

/// The disk on which one worker keeps its audit file; it can be full.
///
/// With the right to mount it is a small disk of its own that is really filled, so that records are torn in the middle.
/// Otherwise the audit file is a link that points to /dev/full for the time being.
final class AuditDisk: Sendable {
    /// The audit file, as the worker knows it.
    let path: String
    private let directory: String
    private let isMounted: Bool
    private let isFull = Mutex(false)

    private var filler: String { directory + "/filler" }
    private var kept: String { directory + "/kept.jsonl" }

    init(directory: String, bytes: Int, mayMount: Bool) throws {
        self.directory = directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        isMounted = unsafe mayMount && mount("tmpfs", directory, "tmpfs", 0, "size=\(bytes)") == 0
        path = directory + "/audit.jsonl"
        if !isMounted { try point(to: "kept.jsonl") }
    }

    /// How a full disk is played, for the report.
    var manner: String { isMounted ? "a small tmpfs" : "a link to /dev/full" }

    /// The audit file's lines, also those of a disk that is full.
    var lines: [Substring] {
        let text = (try? String(contentsOfFile: isMounted ? path : kept, encoding: .utf8)) ?? ""
        return text.split(separator: "\n")
    }

    func fill() throws {
        isFull.withLock { $0 = true }
        guard isMounted else { return try point(to: "/dev/full") }
        let descriptor = unsafe open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open \(filler)") }
        defer { close(descriptor) }
        for size in [1 << 16, 1 << 12, 1] {
            let block = [UInt8](repeating: 0, count: size)
            while unsafe write(descriptor, block, size) == size {}
        }
    }

    func free() throws {
        guard
            isFull.withLock({ isFull in
                defer { isFull = false }
                return isFull
            })
        else { return }
        if isMounted { try FileManager.default.removeItem(atPath: filler) } else { try point(to: "kept.jsonl") }
    }

    /// Takes the disk away; its content is gone then, if it was one.
    func remove() {
        if isMounted { unsafe umount2(directory, Int32(MNT_DETACH)) }
    }

    /// Replaces the link in one step, so that there is always one.
    private func point(to target: String) throws {
        let fresh = path + ".new"
        unsafe unlink(fresh)
        guard unsafe symlink(target, fresh) == 0, unsafe rename(fresh, path) == 0 else {
            throw Self.failure("link \(path)")
        }
    }

    private static func failure(_ call: String) -> ChaosServers.Unusable {
        ChaosServers.Unusable(description: unsafe "\(call): \(String(cString: strerror(errno)))")
    }
}
