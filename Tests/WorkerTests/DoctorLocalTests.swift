// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import Worker

@Suite struct DoctorLocalTests {
    @Test func looksAtTheAuditFileWithoutMakingOne() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/audit.jsonl"
        #expect(DoctorAuditFile.examine(path).map(\.subject) == ["audit file", "audit file space"])
        #expect(DoctorAuditFile.examine(path).first?.state == .fine)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func leavesTheAuditFileAsItIs() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("{\"a\":1}\n", to: "audit.jsonl")
        #expect(DoctorAuditFile.examine(path).first?.state == .fine)
        #expect(FileManager.default.contents(atPath: path) == Data("{\"a\":1}\n".utf8))
    }

    @Test func namesWhatKeepsRecordsFromBeingWritten() throws {
        let directory = try TemporaryDirectory()
        let missing = DoctorAuditFile.examine(directory.path + "/none/audit.jsonl")
        #expect(missing.first?.state == .failure(.configuration))
        #expect(missing.first?.text.contains(directory.path + "/none: No such file") == true)
        let isDirectory = DoctorAuditFile.examine(directory.path)
        #expect(isDirectory.first?.state == .failure(.configuration))
    }

    @Test func scarceSpaceIsAWarning() {
        #expect(DoctorAuditFile.judge(free: 99 << 20, "f").state == .warning)
        #expect(DoctorAuditFile.judge(free: 100 << 20, "f").state == .fine)
    }

    @Test func theDefaultsRaiseNoWarning() throws {
        #expect(DoctorConfiguration(settings: try Sample.settings()).timeouts.state == .fine)
    }

    @Test func aJobThatUsesUpTheDeliveryLimitIsAWarning() throws {
        // 720 returns of 10s each in two hours, 1000 deliveries allowed.
        let settings = try Sample.settings("amqp: {consumerTimeout: 2m10s}")
        let finding = DoctorConfiguration(settings: settings).timeouts
        #expect(finding.state == .warning)
        #expect(finding.text.contains("720 returns"))
    }

    @Test func secretFilesAreReadAgain() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("good\n", to: "secret")
        let settings = try Sample.settings(
            "",
            [
                "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET": "",
                "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET_FILE": path,
            ])
        let check = try #require(DoctorConfiguration(settings: settings).checks.last)
        #expect(await check.run().map(\.state) == [.fine])
        _ = try directory.write("two\nlines\n", to: "secret")
        let findings = await check.run()
        #expect(findings.map(\.state) == [.failure(.configuration)])
        #expect(findings.first?.text.contains("two") == false)
    }
}
