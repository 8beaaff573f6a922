// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// What is wrong with the submissions of a file or of the command line, all at once.
package struct SubmissionError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable { case unreadable, invalid }

    package let code: Code
    /// Each names line and field, and what to write.
    package let problems: [String]
    package var isRetriable: Bool { false }

    package var description: String { problems.joined(separator: "\n") }
}

/// Reads submissions: JSON lines of a file, and `key=value` of the command line.
package enum SubmissionText {
    /// The largest file of submissions, in bytes.
    package static let maximumBytes = 64 << 20
    /// The longest line, in bytes: what a worker takes by default.
    package static let maximumLineBytes = 64 * 1024
    /// How many problems are told before the rest is only counted.
    static let maximumProblems = 20

    /// Reads a file, or standard input for `-`. Fields that a line leaves out come from `defaults`. Blocking.
    package static func read(
        _ path: String, defaults: SubmissionDefaults
    ) throws(SubmissionError) -> [Submission] {
        let result =
            path == "-"
            ? SmallFile.read(descriptor: 0, maximumBytes: maximumBytes)
            : SmallFile.read(path, maximumBytes: maximumBytes)
        let name = path == "-" ? "standard input" : path
        switch result {
        case .success(let data): return try parse([UInt8](data), name: name, defaults: defaults)
        case .failure(let failure):
            throw SubmissionError(code: .unreadable, problems: ["\(name) cannot be read: \(failure.reason)"])
        }
    }

    /// Parses JSON lines; empty lines count but say nothing.
    package static func parse(
        _ bytes: [UInt8], name: String, defaults: SubmissionDefaults
    ) throws(SubmissionError) -> [Submission] {
        var submissions: [Submission] = []
        var problems: [String] = []
        for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            guard line.contains(where: { !" \t\r".utf8.contains($0) }) else { continue }
            switch SubmissionLine.parse(line) {
            case .success(let parsed): submissions.append(parsed.submission(defaults))
            case .failure(let fault): problems += fault.complaints.map { "\(name), line \(index + 1): \($0)" }
            }
        }
        if problems.isEmpty && submissions.isEmpty {
            problems = ["\(name) holds no command: write one JSON object a line"]
        }
        guard problems.isEmpty else { throw SubmissionError(code: .invalid, problems: shortened(problems)) }
        return submissions
    }

    /// Reads repeated `key=value` options.
    package static func metadata(_ pairs: [String]) throws(SubmissionError) -> [String: String] {
        var metadata: [String: String] = [:]
        var problems: [String] = []
        for pair in pairs {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let shown = LogText.clean(pair, limit: 100)
            if parts.count < 2 || parts[0].isEmpty {
                problems.append("--metadata \(shown): write key=value")
            } else if metadata.updateValue(parts[1], forKey: parts[0]) != nil {
                problems.append("--metadata \(shown): the key \(LogText.clean(parts[0], limit: 100)) is there twice")
            }
        }
        guard problems.isEmpty else { throw SubmissionError(code: .invalid, problems: shortened(problems)) }
        return metadata
    }

    private static func shortened(_ problems: [String]) -> [String] {
        guard problems.count > maximumProblems else { return problems }
        return problems.prefix(maximumProblems) + ["… and \(problems.count - maximumProblems) more"]
    }
}

/// What holds for lines that do not say it themselves.
package struct SubmissionDefaults: Sendable, Hashable {
    package var format: String?
    package var tenant: String?
    package var queue: String?
    /// Merged with a line's own, which win.
    package var metadata: [String: String]

    package init(
        format: String? = nil, tenant: String? = nil, queue: String? = nil, metadata: [String: String] = [:]
    ) {
        self.format = format
        self.tenant = tenant
        self.queue = queue
        self.metadata = metadata
    }
}
