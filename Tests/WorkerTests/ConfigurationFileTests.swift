// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Worker

@Suite struct ConfigurationFileTests {
    static let broken: [(yaml: String, complaint: String, line: Int)] = [
        ("amqp:\n  url: \"amqp://u:hunter2@h\n", "is no valid YAML", 3),
        ("amqp:\n\turl: x", "is no valid YAML", 2),
        ("- a\n- b", "is no mapping", 1),
        ("just text", "is no mapping", 1),
        ("amqp: {prefetch: 1, prefetch: 2}", "names prefetch twice", 1),
        ("amqp:\n  commands:\n    queues: [[a]]", "holds a list or a mapping inside a list", 3),
        ("amqp.prefetch: 1\namqp:\n  prefetch: 2", "is there twice", 3),
        ("? [a, b]\n: c", "holds a key that is no text", 1),
    ]

    @Test(arguments: broken)
    func saysWhereAFileIsBroken(yaml: String, complaint: String, line: Int) throws {
        let error = try #require(throws: ConfigurationError.self) {
            try ConfigurationFile.parse(Array(yaml.utf8), path: "w.yaml")
        }
        #expect(error.code == .file)
        #expect(error.description.contains(complaint), "\(error)")
        #expect(error.problems.first?.origin == .file(path: "w.yaml", line: line), "\(error)")
        #expect(!error.description.contains("hunter2"))
    }

    @Test func refusesWhatIsNoText() {
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.parse([0x61, 0xFF, 0xFE], path: "w.yaml") }
    }

    @Test func aMissingFileIsNamed() throws {
        let request = SettingsRequest(file: "/nowhere/worker.yaml", environment: [:])
        let error = try #require(throws: ConfigurationError.self) { try Settings.load(request) }
        #expect(error.description.contains("/nowhere/worker.yaml cannot be read: No such file or directory"))
    }

    @Test func aLargeFileIsRefused() throws {
        let directory = try TemporaryDirectory()
        let text = String(repeating: "# padding\n", count: 120_000)
        let path = try directory.write(text, to: "worker.yaml")
        let error = try #require(throws: ConfigurationError.self) { try ConfigurationFile.read(path) }
        #expect(error.description.contains("it is larger than 1MiB"))
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "amqp:\nlog:\n  level:\n", "amqp: ~\naudit: {s3: null}\n"])
    func sectionsAndKeysMayBeEmpty(yaml: String) throws {
        #expect(try Sample.settings(yaml) == Sample.settings())
    }

    @Test func dottedKeysWorkToo() throws {
        #expect(try Sample.settings("amqp.prefetch: 3").amqp.prefetch == 3)
    }
}
