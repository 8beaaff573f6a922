// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

@testable import Worker

/// Configurations for tests.
enum Sample {
    /// All that has no default, as variables.
    static let environment = [
        "NLU_EXPORT_S3_BUCKET": "exports",
        "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL": "https://api.example.com/",
        "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_ID": "worker",
        "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET": "s3cr3t",
    ]

    /// Reads a file's text on top of `environment` and further variables; an empty value takes a variable away.
    static func inspect(
        _ yaml: String = "", _ variables: [String: String] = [:], overrides: [SettingOverride] = [],
        needs: SettingsNeeds = .everything
    ) throws -> SettingsReport {
        let all = environment.merging(variables) { _, new in new }.filter {
            !$0.value.isEmpty || environment[$0.key] == nil
        }
        let request = SettingsRequest(file: "worker.yaml", environment: all, overrides: overrides, needs: needs)
        return Settings.inspect(request, file: try ConfigurationFile.parse(Array(yaml.utf8), path: "worker.yaml"))
    }

    static func settings(_ yaml: String = "", _ variables: [String: String] = [:]) throws -> Settings {
        try inspect(yaml, variables).validated()
    }
}

/// A directory that is gone at the end of a test.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/nlu-export-worker-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }
}
