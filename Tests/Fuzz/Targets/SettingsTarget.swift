// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import ExportPipeline
@testable import Worker

extension FuzzTarget {
    /// The input is a configuration file, and as a text a duration, a size, a URL and a key template.
    static let settings = FuzzTarget(name: "settings", summary: "configuration: YAML, durations, sizes") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let duration = DurationText.parse(text) {
            try claim(duration >= .zero, "a duration of \(duration)")
            let written = DurationText.format(duration)
            try claimSame(DurationText.parse(written), duration, "\(text) written as \(written)")
        }
        if let size = SizeText.parse(text) {
            try claim(size >= 0, "a size of \(size)")
            try claimSame(SizeText.parse(SizeText.format(size)), size, "\(text) written again")
        }
        if let url = URLText(text), let password = url.password, password.utf8.count > 8 {
            try claim(!url.redacted.contains(password) || url.host.contains(password), "a password in \(url.redacted)")
        }
        try checkTemplate(text)
        try checkFile(input)
    }

    private static func checkTemplate(_ text: String) throws {
        switch Result(catching: { () throws(KeyTemplateError) in
            try ObjectKeyTemplate(text, reservedPrefixes: ["state/"])
        }) {
        case .success(let template):
            let command = ExportCommand(commandID: "c", tenant: "t", modelID: "..", version: "1", format: "ONNX")
            if let key = try? template.key(for: command, exportID: "e") { try CommandClaims.claimKey(key) }
        case .failure(let error): try claimPrintable(error.message, "the reason")
        }
    }

    private static func checkFile(_ input: [UInt8]) throws {
        switch Result(catching: { () throws(ConfigurationError) in try ConfigurationFile.parse(input, path: "w.yaml") })
        {
        case .success(let file):
            let request = SettingsRequest(file: "w.yaml", environment: [:])
            let report = Settings.inspect(request, file: file)
            for problem in report.problems { try check(problem) }
        case .failure(let error):
            try claim(!error.problems.isEmpty, "refused without a problem")
            for problem in error.problems { try check(problem) }
        }
    }

    private static func check(_ problem: ConfigurationProblem) throws {
        try claimPrintable(problem.description, "a problem", limit: 8192)
    }
}

extension FuzzTarget {
    /// The input is a file of submissions, and the body of an event somebody waits for.
    static let submission = FuzzTarget(name: "submission", summary: "submitted lines, events waited for") { input in
        let defaults = SubmissionDefaults(format: "ONNX", metadata: ["a": "b"])
        let parsed = Result { () throws(SubmissionError) in
            try SubmissionText.parse(input, name: "file", defaults: defaults)
        }
        switch parsed {
        case .success(let submissions):
            try claim(!submissions.isEmpty, "no submission and no problem")
            try claim(submissions.allSatisfy { !$0.modelID.isEmpty && !$0.version.isEmpty }, "an empty field")
        case .failure(let error):
            try claim((1...21).contains(error.problems.count), "\(error.problems.count) problems")
            for problem in error.problems { try claimPrintable(problem, "a problem", limit: 2048) }
        }
        guard let event = FollowedEvent(input) else { return }
        if case .progress(let update) = event.news, let fraction = update.fraction {
            try claim((0...1).contains(fraction), "\(fraction) of a command")
        }
    }
}
