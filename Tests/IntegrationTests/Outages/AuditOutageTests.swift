// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import Foundation
import TestKit
import Testing

/// A place for audit records that takes none pauses the worker: nothing is acknowledged or announced without (P7, P1).
@Suite(.enabled(if: Stack.isAvailable)) struct AuditOutageTests {
    @Test func theDiskIsFull() async throws {
        try await withFolder { folder in
            let path = folder + "/audit.jsonl"
            try await rideOut(path, says: ["No space left", "give it space"]) {
                try? FileManager.default.removeItem(atPath: path)
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
            } mend: {
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }

    @Test func theFolderIsGone() async throws {
        try await withFolder { folder in
            let (place, path) = (folder + "/audit", folder + "/audit/audit.jsonl")
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
            try await rideOut(path, says: ["No such file or directory", "write permission"]) {
                try FileManager.default.removeItem(atPath: place)
            } mend: {
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
            }
        }
    }

    private func rideOut(
        _ path: String, says: [String], strike: @escaping () throws -> Void, mend: @escaping () throws -> Void
    ) async throws {
        let configure: (inout [String: String]) -> Void = {
            Stack.unforgiving(&$0)
            $0["NLU_EXPORT_AUDIT_FILE"] = path
        }
        try await Stack.run(configure: configure) { stack in
            try strike()
            try await stack.rideOutAudit(
                OutageCourse(
                    dependency: "audit sink file", says: says + [path], early: 0, probes: 1, strike: {},
                    mend: { try mend() }, isProbed: { _ in true }, isMetBehindTheJob: true))
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(Set(text.split(separator: "\n")).count == 4, "a record for each command, on a line of its own")
            #expect(text.hasSuffix("\n"))
        }
    }

    @Test(arguments: [(403, "AccessDenied"), (400, "InvalidArgument")])
    func theBucketRefusesRecords(status: Int, code: String) async throws {
        try await Stack.runBehindFaultProxy(configure: Stack.unforgiving) { stack, proxy in
            let body = "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>no</Message></Error>"
            let rule = proxy.add(.answer(status: status, body: body), method: "PUT", path: "/audit/")
            try await stack.rideOutAudit(
                OutageCourse(
                    dependency: "audit sink s3", says: [code, "audit/"], early: 0, strike: {},
                    mend: { rule.end() }, isProbed: { await rule.wait(forHits: $0) }, isMetBehindTheJob: true))
        }
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }
}

extension Stack {
    /// An outage that is met only after the object is there: the runs are decided, and settled when it is over.
    fileprivate func rideOutAudit(_ course: OutageCourse) async throws {
        try await rideOut(course)
        #expect(simulator.log.downloads.count == course.late, "decided once")
    }
}
