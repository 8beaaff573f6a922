// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Glibc
internal import Synchronization

/// Audit records as lines of a file, each on the disk before it counts.
///
/// At least once: a record whose confirmation was lost is written again, and `record_id` tells the repeats. Records that
/// arrive together share one fsync. The file may be rotated under the worker: it is opened again when the path names
/// another file. A line that was torn (a full disk, a crash) is ended before the next record begins.
final class FileAuditSink: AuditSink {
    private struct Pending {
        let line: [UInt8]
        let continuation: CheckedContinuation<StepError?, Never>
    }

    private struct Queue {
        var pending: [Pending] = []
        var isDraining = false
    }

    let path: String
    private let queue = Mutex(Queue())
    /// Touched by the draining thread alone; the lock is never contended.
    private let file: Mutex<AuditFile>

    init(path: String) {
        self.path = path
        file = Mutex(AuditFile(path: path))
    }

    var name: String { "file" }

    func write(_ record: AuditRecord) async throws(StepError) {
        let line = record.bytes + [UInt8(ascii: "\n")]
        let failure = await withCheckedContinuation { continuation in
            let mustStart = queue.withLock { queue in
                queue.pending.append(Pending(line: line, continuation: continuation))
                defer { queue.isDraining = true }
                return !queue.isDraining
            }
            // Without a thread to be had the write happens here: late is better than never.
            if mustStart, !OwnThread.start({ self.drain() }) { drain() }
        }
        if let failure { throw failure }
    }

    private func drain() {
        while true {
            let batch = queue.withLock { queue in
                let batch = queue.pending
                queue.pending = []
                if batch.isEmpty { queue.isDraining = false }
                return batch
            }
            guard !batch.isEmpty else { return }
            let failure = file.withLock { $0.append(batch.flatMap(\.line)) }.map { reason in
                StepError(
                    .surroundings(.auditSink(name)),
                    "the audit file \(path) cannot be written: \(reason); give it space and write permission "
                        + "(audit.file)")
            }
            for pending in batch { pending.continuation.resume(returning: failure) }
        }
    }
}

/// The open audit file; used by one thread at a time.
struct AuditFile: ~Copyable {
    private let path: String
    private var descriptor: Int32 = -1
    /// The last write ended in the middle of a line, as far as this process knows.
    private var isTorn = false

    init(path: String) { self.path = path }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends whole lines and returns once they are on the disk; the reason where they are not.
    mutating func append(_ lines: [UInt8]) -> String? {
        if let reason = openIfNeeded() { return reason }
        if isTorn, let reason = write([UInt8(ascii: "\n")]) { return reason }
        isTorn = true
        if let reason = write(lines) { return reason }
        isTorn = false
        return fsync(descriptor) == 0 ? nil : Self.reason("fsync")
    }

    private mutating func openIfNeeded() -> String? {
        if descriptor >= 0, namesOpenFile() { return nil }
        if descriptor >= 0 { close(descriptor) }
        descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return Self.reason("open") }
        isTorn = endsInTheMiddle()
        return syncDirectory()
    }

    /// Whether the path still names the file that is open (it does not after a rotation).
    private func namesOpenFile() -> Bool {
        var atPath = stat()
        var opened = stat()
        guard unsafe stat(path, &atPath) == 0, unsafe fstat(descriptor, &opened) == 0 else { return false }
        return atPath.st_ino == opened.st_ino && atPath.st_dev == opened.st_dev
    }

    /// Whether the last byte of the file is no line end: a crash tore the last record.
    private func endsInTheMiddle() -> Bool {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_size > 0 else { return false }
        let reader = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard reader >= 0 else { return true }
        defer { close(reader) }
        var last: UInt8 = 0
        return unsafe pread(reader, &last, 1, status.st_size - 1) != 1 || last != UInt8(ascii: "\n")
    }

    /// A new file exists for good only once its directory is on the disk.
    private func syncDirectory() -> String? {
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return Self.reason("open directory") }
        defer { close(descriptor) }
        return fsync(descriptor) == 0 ? nil : Self.reason("fsync directory")
    }

    private func write(_ bytes: [UInt8]) -> String? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return Self.reason("write") }
            rest = rest.dropFirst(count)
        }
        return nil
    }

    private static func reason(_ call: String) -> String {
        let code = errno
        return unsafe "\(call): \(String(cString: strerror(code)))"
    }
}
