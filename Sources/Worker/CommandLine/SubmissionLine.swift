// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// One JSON object with the fields of an export command.
struct SubmissionLine {
    var fields: [String: String] = [:]
    var metadata: [String: String] = [:]

    struct Fault: Error {
        let complaints: [String]
    }

    static let textFields = ["modelId", "version", "format", "tenant", "commandId"]

    static func parse(_ line: some Collection<UInt8>) -> Result<SubmissionLine, Fault> {
        guard line.count <= SubmissionText.maximumLineBytes else {
            let limit = SizeText.format(SubmissionText.maximumLineBytes)
            return .failure(Fault(complaints: ["the line is longer than \(limit)"]))
        }
        guard let value = try? JSONDecoder().decode(JSONLineValue.self, from: Data(line)) else {
            return .failure(Fault(complaints: ["it is no valid JSON"]))
        }
        guard case .object(let object) = value else {
            return .failure(Fault(complaints: ["it is \(value.kind), not an object"]))
        }
        var result = SubmissionLine()
        let complaints = object.keys.sorted().flatMap { result.take($0, object[$0] ?? .null) }
        let missing = ["modelId", "version"].filter { object[$0] == nil || object[$0] == .null }
        let all = complaints + missing.map { "the field \($0) is missing" }
        return all.isEmpty ? .success(result) : .failure(Fault(complaints: all))
    }

    func submission(_ defaults: SubmissionDefaults) -> Submission {
        Submission(
            modelID: fields["modelId"] ?? "", version: fields["version"] ?? "",
            format: fields["format"] ?? defaults.format, tenant: fields["tenant"] ?? defaults.tenant,
            commandID: fields["commandId"], metadata: defaults.metadata.merging(metadata) { _, own in own },
            queue: defaults.queue)
    }

    /// Takes over one field; what is wrong with it.
    private mutating func take(_ name: String, _ value: JSONLineValue) -> [String] {
        if value == .null { return [] }
        if name == "metadata" { return takeMetadata(value) }
        let shown = LogText.clean(name, limit: 100)
        guard Self.textFields.contains(name) else {
            let near = Suggestion.nearest(to: name, among: Self.textFields + ["metadata"])
            return ["the field \(shown) is unknown\(near.map { "; did you mean \($0)?" } ?? "")"]
        }
        guard case .text(let text) = value else { return ["the field \(shown) is \(value.kind), not text"] }
        guard !text.isEmpty else { return ["the field \(shown) is empty"] }
        fields[name] = text
        return []
    }

    private mutating func takeMetadata(_ value: JSONLineValue) -> [String] {
        guard case .object(let object) = value else { return ["the field metadata is \(value.kind), not an object"] }
        return object.keys.sorted().compactMap { key in
            guard case .text(let text)? = object[key] else {
                let kind = object[key]?.kind ?? "nothing"
                return "the field metadata.\(LogText.clean(key, limit: 100)) is \(kind), not text"
            }
            metadata[key] = text
            return nil
        }
    }
}

/// Any JSON value, as far as a command can hold it.
enum JSONLineValue: Decodable, Hashable {
    case null, boolean, number, list
    case text(String)
    case object([String: JSONLineValue])

    var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "a truth value"
        case .number: "a number"
        case .list: "a list"
        case .text: "text"
        case .object: "an object"
        }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            var object: [String: JSONLineValue] = [:]
            for key in container.allKeys {
                object[key.stringValue] = try container.decode(JSONLineValue.self, forKey: key)
            }
            self = .object(object)
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if (try? container.decode(Bool.self)) != nil {
            self = .boolean
        } else if (try? container.decode(Double.self)) != nil {
            self = .number
        } else {
            self = .list
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
