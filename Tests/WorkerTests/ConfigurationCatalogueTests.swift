// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import Worker

@Suite struct ConfigurationCatalogueTests {
    /// The repository's own `config/worker.yaml`.
    private func shippedFile() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "config/worker.yaml"), encoding: .utf8)
    }

    @Test func everyKeyIsReadAndNoOther() throws {
        let read = try Sample.inspect().entries.map(\.key)
        #expect(read.firstDuplicate == nil)
        #expect(Set(read) == Set(Catalogue.definitions.map { $0.named("default").name }))
    }

    @Test func everyDefaultIsAllowed() throws {
        // Given as a variable, a default goes through the same conversion as any other text.
        let layers = SettingLayers(overrides: [], variables: [:], file: nil)
        for definition in Catalogue.definitions {
            guard let text = definition.defaultText else { continue }
            let variable = layers.variable(of: definition, tenant: "default")
            let report = try Sample.inspect("", [variable: text])
            #expect(report.problems.isEmpty, "\(definition.name)")
            #expect(try report.settings == Sample.settings(), "\(definition.name)")
        }
    }

    @Test func everyRowIsDocumented() {
        #expect(Catalogue.definitions.map(\.name).firstDuplicate == nil)
        for definition in Catalogue.definitions {
            #expect(definition.summary.count > 20, "\(definition.name)")
            #expect(!definition.allowed.isEmpty, "\(definition.name)")
            #expect(definition.defaultText != nil || definition.example != nil, "\(definition.name)")
            #expect(Catalogue.sections.contains { definition.name.hasPrefix($0.name + ".") }, "\(definition.name)")
        }
    }

    @Test func secretsAreMarked() {
        let secret = Catalogue.definitions.filter(\.isSecret).map(\.name)
        #expect(
            Set(secret) == [
                "amqp.url", "amqp.management.url", "cognigy.tenants.<name>.clientSecret",
                "cognigy.tenants.<name>.apiKey", "http.token",
            ])
    }

    @Test func theShippedFileIsTheRenderedOne() throws {
        // Write it anew with: nlu-export-worker config --template > config/worker.yaml
        #expect(try shippedFile() == WorkerYAML.render())
    }

    @Test func theShippedFileSetsNothing() throws {
        #expect(try Sample.settings(shippedFile()) == Sample.settings())
    }

    @Test func theShippedFileListsEveryKeyWithItsDefault() throws {
        let text = try shippedFile()
        for definition in Catalogue.definitions {
            let leaf = definition.components(tenant: "default").last ?? ""
            #expect(text.contains("#\(leaf): "), "\(definition.name)")
            if let standard = definition.defaultText {
                // Comments are wrapped: compare without line breaks.
                let flat = text.split(separator: "\n").map { $0.drop { " #".contains($0) } }.joined(separator: " ")
                #expect(flat.contains("Default: \(standard)."), "\(definition.name)")
            }
        }
    }

    /// The file with every `#key:` line uncommented and paths of files that must exist replaced.
    private func uncommented(existing path: String) throws -> [String] {
        try shippedFile().split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let indent = line.prefix { $0 == " " }
            let rest = line.dropFirst(indent.count)
            guard rest.hasPrefix("#"), let letter = rest.dropFirst().first, letter.isLetter else { return String(line) }
            let setting = rest.dropFirst()
            let isFile = setting.prefix { $0 != ":" }.hasSuffix("File")
            return indent + (isFile ? "\(setting.prefix { $0 != ":" }): \(path)" : String(setting))
        }
    }

    @Test func theShippedFileIsValidWithEverythingUncommented() throws {
        let directory = try TemporaryDirectory()
        let yaml = try uncommented(existing: directory.write("x", to: "file")).joined(separator: "\n")
        let request = SettingsRequest(file: "worker.yaml", environment: [:])
        let file = try ConfigurationFile.parse(Array(yaml.utf8), path: "worker.yaml")
        let report = Settings.inspect(request, file: file)
        #expect(report.problems.isEmpty, "\(report.problems)")
        #expect(report.settings.s3.bucket == "nlu-exports")
        let missing = report.entries.filter { $0.origin == .byDefault }.map(\.key)
        let alternatives = Catalogue.definitions.filter { $0.alternativeTo != nil }.map { $0.named("default").name }
        #expect(Set(missing) == Set(alternatives))
    }

    @Test(arguments: [
        ("##username", "##passwordFile", "amqp://127.0.0.1"), ("##clientSecretFile", "#clientSecret:", nil),
        ("##tokenFile", "#token:", nil),
    ])
    func alternativesAreValidInPlaceOfTheOther(key: String, other: String, url: String?) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("x", to: "file")
        let name = String(key.drop { $0 == "#" })
        let lines = try shippedFile().split(separator: "\n").map { line in
            let indent = line.prefix { $0 == " " }
            return line.dropFirst(indent.count).hasPrefix(key) ? "\(indent)\(name): \(path)" : String(line)
        }
        var environment = Sample.environment
        environment["NLU_EXPORT_AMQP_URL"] = url
        if name == "clientSecretFile" { environment["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET"] = nil }
        let file = try ConfigurationFile.parse(Array(lines.joined(separator: "\n").utf8), path: "worker.yaml")
        let report = Settings.inspect(SettingsRequest(file: "worker.yaml", environment: environment), file: file)
        #expect(report.problems.isEmpty, "\(report.problems)")
        #expect(report.entries.contains { $0.key.hasSuffix(".\(name)") && $0.value == path })
        #expect(lines.contains { $0.contains(other) })
    }

    @Test func theHelpListsEveryKey() {
        let help = WorkerYAML.help()
        for definition in Catalogue.definitions { #expect(help.contains("  \(definition.name)"), "\(definition.name)") }
    }
}
