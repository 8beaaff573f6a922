// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Configuration
internal import FoundationEssentials
internal import Yams

/// A parsed configuration file: a snapshot to read values from, and every key with its line.
struct ConfigurationFile {
    /// The largest file that is read, in bytes.
    static let maximumBytes = 1 << 20

    /// A key of the file that holds a value.
    struct Entry {
        let path: [String]
        let line: Int
        /// `key:` with nothing behind it, `null` or `~`: as if the key were not there.
        let isNull: Bool

        var name: String { path.joined(separator: ".") }
    }

    let path: String
    /// Nil for a file without any key.
    let snapshot: YAMLSnapshot?
    /// By dotted name.
    let entries: [String: Entry]

    /// Reads and parses a file. Blocking.
    static func read(_ path: String) throws(ConfigurationError) -> ConfigurationFile {
        switch SmallFile.read(path, maximumBytes: maximumBytes) {
        case .success(let data): return try parse([UInt8](data), path: path)
        case .failure(let failure):
            throw fault(path, 0, "cannot be read: \(failure.reason)", "Check the path given with --config.")
        }
    }

    static func parse(_ bytes: [UInt8], path: String) throws(ConfigurationError) -> ConfigurationFile {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw fault(path, 0, "is not UTF-8 text", "Save it as UTF-8.")
        }
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch { throw fault(path, error) }
        guard let root, root.null == nil else { return ConfigurationFile(path: path, snapshot: nil, entries: [:]) }
        guard case .mapping = root else {
            throw fault(path, 1, "is no mapping of keys to values", "Write keys and values as in config/worker.yaml.")
        }
        var collector = EntryCollector(file: path)
        collector.collect(root, [])
        guard collector.problems.isEmpty else {
            throw ConfigurationError(code: .file, problems: collector.problems)
        }
        do {
            let snapshot = try unsafe YAMLSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: .default)
            return ConfigurationFile(path: path, snapshot: snapshot, entries: collector.entries)
        } catch {
            // What the snapshot refuses was refused above, where the line is known.
            throw fault(path, 0, "cannot be understood: \(error)", "Write keys and values as in config/worker.yaml.")
        }
    }

    static func fault(_ path: String, _ line: Int, _ complaint: String, _ remedy: String) -> ConfigurationError {
        let origin: SettingOrigin = line > 0 ? .file(path: path, line: line) : .byDefault
        return ConfigurationError(
            code: .file,
            problems: [ConfigurationProblem(key: path, origin: origin, complaint: complaint, remedy: remedy)])
    }

    /// Yams' own description quotes the faulty line, which may hold a secret: only its place and kind are told.
    private static func fault(_ path: String, _ error: any Error) -> ConfigurationError {
        let remedy = "Mend the YAML: two spaces a level, a blank after each colon, quotes around odd characters."
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return fault(path, mark.line, "is no valid YAML: \(problem)", remedy)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.sorted().joined(separator: ", ")
            return fault(path, context.mark.line, "names \(names) twice", "Keep one.")
        default: return fault(path, 0, "is no valid YAML", remedy)
        }
    }
}

/// Walks a parsed file and lists its keys.
private struct EntryCollector {
    let file: String
    var entries: [String: ConfigurationFile.Entry] = [:]
    var problems: [ConfigurationProblem] = []

    mutating func collect(_ node: Node, _ path: [String]) {
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping { collect(key: key, value, path) }
        case .sequence(let sequence):
            if sequence.contains(where: { $0.scalar == nil }) {
                report(path, node, "holds a list or a mapping inside a list", "Write a plain list.")
            }
            add(path, node)
        case .scalar: add(path, node)
        case .alias: report(path, node, "is an alias", "Write the value itself.")
        }
    }

    private mutating func collect(key: Node, _ value: Node, _ path: [String]) {
        guard let name = key.string, path.count < 16 else {
            report(path, key, "holds a key that is no text, or too many levels", "Write keys as in config/worker.yaml.")
            return
        }
        collect(value, path + [name])
    }

    private mutating func add(_ path: [String], _ node: Node) {
        let entry = ConfigurationFile.Entry(path: path, line: node.mark?.line ?? 0, isNull: node.null != nil)
        if entries.updateValue(entry, forKey: entry.name) != nil {
            report(path, node, "is there twice, once with dots and once nested", "Keep one.")
        }
    }

    private mutating func report(_ path: [String], _ node: Node, _ complaint: String, _ remedy: String) {
        problems.append(
            ConfigurationProblem(
                key: path.isEmpty ? file : path.joined(separator: "."),
                origin: .file(path: file, line: node.mark?.line ?? 0), complaint: complaint, remedy: remedy))
    }
}
