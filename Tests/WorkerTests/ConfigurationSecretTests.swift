// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import Worker

@Suite struct ConfigurationSecretTests {
    @Test func aSecretNeverPrintsItself() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(["a": (secret, SecretSource.inline(secret))], to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\(SecretSource.inline(secret))", dumped] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
        #expect("\(secret)" == "<redacted>")
        #expect(secret.reveal() == "hunter2")
    }

    @Test func settingsNeverPrintSecrets() throws {
        let yaml = """
            amqp: {url: "amqp://user:hunter2@h/v", management: {url: "http://user:hunter2@h"}}
            http: {token: hunter2}
            cognigy: {tenants: {default: {apiKey: hunter2}}}
            """
        let report = try Sample.inspect(yaml, ["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET": "hunter2"])
        #expect(report.problems.isEmpty)
        var dumped = ""
        dump(report, to: &dumped)
        for text in [
            "\(report)", dumped, ConfigCommand.render(report, .text), ConfigCommand.render(report, .json),
        ] {
            #expect(!text.contains("hunter2"))
        }
        #expect(report.entries.first { $0.key == "amqp.url" }?.value == "amqp://user:<redacted>@h/v")
    }

    @Test(arguments: [
        "amqp: {url: \"http://u:hunter2@h\"}", "amqp: {url: \"amqp://u:12,hunter2@h\"}", "amqp: {url: \"hunter2\"}",
        "http: {token: \"hunter2\\u0001\"}", "amqp: {management: {url: \"x://u:hunter2@h\"}}",
        "amqp: {url: {password: hunter2}}",
    ])
    func problemsNeverQuoteSecrets(yaml: String) throws {
        let report = try Sample.inspect(yaml)
        #expect(!report.problems.isEmpty)
        #expect(!"\(report.problems)\(ConfigCommand.render(report, .json))".contains("hunter2"))
    }

    @Test func aHalfURLIsNotShown() {
        #expect(URLDisplay.redacted("amqp://u:12,34@h") == "<redacted>")
        #expect(URLDisplay.redacted("amqp://u:p@h:1/v,amqps://i") == "amqp://u:<redacted>@h:1/v,amqps://i")
    }

    @Test(arguments: [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" a b ", " a b ")])
    func aFileHoldsTheSecretAlone(contents: String, secret: String) async throws {
        let directory = try TemporaryDirectory()
        let source = SecretSource.file(path: try directory.write(contents, to: "secret"))
        #expect(try source.value().reveal() == secret)
        #expect(try await source.current().reveal() == secret)
    }

    @Test(arguments: ["", "\n", "a\nb", "a\n\n", "a\u{0}b"])
    func otherFilesAreRefusedByPathAlone(contents: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(contents, to: "secret")
        let error = try #require(throws: SecretError.self) { try SecretSource.file(path: path).value() }
        #expect(error.code == .malformed)
        #expect(error.description.contains(path))
    }

    @Test func aMissingFileIsUnreadable() async throws {
        let source = SecretSource.file(path: "/nowhere/secret")
        #expect(throws: SecretError(code: .unreadable, path: "/nowhere/secret", reason: "No such file or directory")) {
            try source.value()
        }
        await #expect(throws: SecretError.self) { try await source.current() }
        #expect(source.stamp() == nil)
    }

    @Test func aReplacedFileIsReadAgainAndShowsInTheStamp() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("one", to: "secret")
        let source = SecretSource.file(path: path)
        let before = try #require(source.stamp())
        #expect(source.stamp() == before)
        _ = try directory.write("two!", to: "next")
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: "\(directory.path)/next", toPath: path)
        #expect(source.stamp() != before)
        #expect(try source.value().reveal() == "two!")
    }
}
