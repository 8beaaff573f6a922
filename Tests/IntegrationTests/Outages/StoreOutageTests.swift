// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectStore
import TestKit
import Testing

/// A store that refuses or does not answer pauses the worker; what was under way goes on where it stood (P7).
@Suite(.enabled(if: Stack.isAvailable)) struct StoreOutageTests {
    private static let store = "object store"

    /// A way in which a store answers everybody alike.
    struct Ill: Sendable, CustomTestStringConvertible {
        let code: String
        var status = 403
        var headers: [String] = []
        let says: [String]

        var testDescription: String { code }
        var fault: HTTPFault {
            let body = "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>no</Message></Error>"
            return .answer(status: status, headers: headers, body: body)
        }
    }

    static let ills = [
        Ill(code: "AccessDenied", says: ["policies"]),
        Ill(code: "NoSuchBucket", status: 404, says: ["create the bucket"]),
        Ill(code: "ExpiredToken", status: 400, says: ["renew the credentials"]),
        // The store's own clock is taken over once; it is refused all the same.
        Ill(
            code: "RequestTimeTooSkewed", headers: ["Date: Fri, 04 Sep 2026 06:00:00 GMT"],
            says: ["set this machine's clock"]),
        Ill(code: "QuotaExceeded", status: 507, says: ["make room"]),
    ]

    @Test(arguments: ills) func refusesEverything(_ ill: Ill) async throws {
        try await rideOut(ill.fault, says: ill.says + [ill.code])
    }

    @Test func isNotThere() async throws {
        try await rideOut(.cut, says: ["no usable answer"])
    }

    private func rideOut(_ fault: HTTPFault, says: [String]) async throws {
        try await Stack.runBehindFaultProxy(configure: Stack.unforgiving) { stack, proxy in
            let rule = Watched<HTTPFaultRule?>(nil)
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.store, says: says, probes: 100, workers: 2,
                    strike: { rule.update { $0 = proxy.add(fault) } },
                    mend: { rule.value?.end() },
                    isProbed: { await rule.value?.wait(forHits: $0) ?? false }, isMetBehindTheJob: true))
        }
    }

    /// The bucket is deleted, with the checkpoints of nothing in flight, and created again.
    @Test func theBucketIsGone() async throws {
        try await Stack.runBehindFaultProxy(configure: Stack.unforgiving) { stack, proxy in
            // This store makes the bucket of whatever is put anew by itself; others do not.
            let put = Ill(code: "NoSuchBucket", status: 404, says: [])
            let refused = Watched<HTTPFaultRule?>(nil)
            let seen = proxy.add(.change { _ in }, method: "GET")
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.store, says: ["NoSuchBucket", "create the bucket"], early: 0, workers: 2,
                    strike: {
                        refused.update { $0 = proxy.add(put.fault, method: "PUT") }
                        try await stack.deleteBucket()
                    },
                    mend: {
                        try await stack.store.createBucket()
                        refused.value?.end()
                    },
                    isProbed: { await seen.wait(forHits: seen.hits + $0) }, isMetBehindTheJob: true))
        }
    }

    /// Keys are read again from the shared profile when they are refused.
    @Test func theKeyIsRevoked() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try #require(ObjectStoreServer.shared)
        func write(_ secret: String) throws {
            let id = server.credentials.accessKeyID
            try "[default]\naws_access_key_id = \(id)\naws_secret_access_key = \(secret)\n"
                .write(to: file, atomically: true, encoding: .utf8)
        }
        try write(server.credentials.secretAccessKey)
        let configure: (inout [String: String]) -> Void = {
            Stack.unforgiving(&$0)
            $0["AWS_ACCESS_KEY_ID"] = nil
            $0["AWS_SECRET_ACCESS_KEY"] = nil
            $0["AWS_SHARED_CREDENTIALS_FILE"] = file.path
        }
        try await Stack.runBehindFaultProxy(configure: configure) { stack, proxy in
            let isRefused = TestSignal()
            let seen = proxy.add(.change { if $0.line.contains(" 403") { isRefused.fire() } })
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.store, says: ["SignatureDoesNotMatch", "access key"], early: 1, late: 2,
                    strike: {
                        try write("revoked")
                        // The file is looked at every few seconds; until then the old key is used.
                        await isRefused.wait()
                    },
                    mend: { try write(server.credentials.secretAccessKey) },
                    isProbed: { await seen.wait(forHits: seen.hits + $0) }, isMetBehindTheJob: true))
        }
    }
}

extension Stack {
    /// Empties the bucket and deletes it, though workers go on writing their leases.
    func deleteBucket() async throws {
        var isDeleted = false
        for _ in 0..<100 where !isDeleted {
            for object in try await store.listAll() { try await store.delete(object.key) }
            isDeleted = try await deletesEmptyBucket()
        }
        #expect(isDeleted, "the bucket could not be deleted")
    }

    private func deletesEmptyBucket() async throws -> Bool {
        do {
            try await store.deleteBucket()
            return true
        } catch {
            guard error.kind == .conflict || error.code == "BucketNotEmpty" else { throw error }
            return false
        }
    }
}
