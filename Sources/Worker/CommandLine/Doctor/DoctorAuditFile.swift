// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The audit file: whether a record could be appended, without writing one.
struct DoctorAuditFile: Sendable {
    /// A record has some hundred bytes; below this an operator wants to know.
    private static let scarceBytes: UInt64 = 100 << 20
    private let path: String?

    init(_ audit: Settings.Audit) { path = audit.file }

    var checks: [DoctorCheck] {
        guard let path else { return [] }
        return [DoctorCheck("audit file") { await OwnThread.run { Self.examine(path) } }]
    }

    /// Blocking.
    static func examine(_ path: String) -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        let subject = "audit file"
        if let reason = refusal(path) {
            findings.append(
                .failure(
                    subject, "\(path): \(reason)",
                    remedy: "create the directory and give it to the worker's user, or correct audit.file",
                    exit: .configuration))
        } else {
            findings.append(.fine(subject, "\(path) can be appended to"))
        }
        if let free = freeBytes(directory(of: path)) { findings.append(judge(free: free, path)) }
        return findings
    }

    /// Why no record could be appended; nil where one could.
    private static func refusal(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        if descriptor >= 0 {
            close(descriptor)
            return nil
        }
        guard errno == ENOENT else { return lastError() }
        // There is no file yet: whether one may be made is asked, so that none is left behind.
        let directory = directory(of: path)
        guard unsafe access(directory, W_OK | X_OK) != 0 else { return nil }
        return "directory \(directory): \(lastError())"
    }

    static func judge(free: UInt64, _ path: String) -> DoctorFinding {
        let shown = "\(free >> 20)MiB free for \(path)"
        guard free < scarceBytes else { return .fine("audit file space", shown) }
        return .warning("audit file space", shown, remedy: "make room there: without it no command is acknowledged")
    }

    private static func freeBytes(_ directory: String) -> UInt64? {
        var status = statvfs()
        guard unsafe statvfs(directory, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func lastError() -> String {
        let code = errno
        return unsafe String(cString: strerror(code))
    }
}
