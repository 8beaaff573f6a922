// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The members of a command object, each checked on its own, and what is wrong with the others.
struct CommandFields {
    static let defaultTenant = "default"
    static let defaultFormat = "ONNX"
    static let maximumMetadataEntries = 32
    static let maximumMetadataCharacters = 256
    /// The worker writes these itself when it starts the export job.
    static let reservedMetadataKeys: Set<String> = ["commandId", "runId", "exported_by"]

    /// Whether the command names itself, well or badly.
    let isNamed: Bool
    /// A field that broke a rule is nil.
    private(set) var commandID: String?
    private(set) var tenant: String?
    private(set) var modelID: String?
    private(set) var version: String?
    private(set) var format: String?
    private(set) var metadata: [String: String] = [:]
    /// One sentence for each violation, without a full stop.
    private(set) var problems: [String] = []

    init(_ command: JSONObject) {
        isNamed = command["commandId"] != nil
        commandID = identifier("commandId", of: command)
        tenant = command["tenant"] == nil ? Self.defaultTenant : identifier("tenant", of: command)
        modelID = identifier("modelId", of: command, remedyIfMissing: "name the model to export")
        version = identifier("version", of: command, remedyIfMissing: "name the version of the model to export")
        format = command["format"] == nil ? Self.defaultFormat : identifier("format", of: command)
        readMetadata(command["metadata"])
    }

    private mutating func identifier(
        _ name: String, of command: JSONObject, remedyIfMissing remedy: String? = nil
    ) -> String? {
        guard let value = command[name] else {
            if let remedy { problems.append("\(name) is missing; \(remedy)") }
            return nil
        }
        guard let text = value.string else {
            problems.append("\(name) is \(Self.described(value)); it must be a string")
            return nil
        }
        if let violation = IdentifierRules.violation(of: text) {
            problems.append("\(name) \(Self.quoted(text)) \(violation)")
            return nil
        }
        return text
    }

    private mutating func readMetadata(_ value: JSONValue?) {
        guard let value else { return }
        guard let object = value.object else {
            problems.append("metadata is \(Self.described(value)); it must be an object of strings")
            return
        }
        let entries = object.members.filter { !$0.value.isNull }
        guard entries.count <= Self.maximumMetadataEntries else {
            problems.append("metadata has \(entries.count) entries; the limit is \(Self.maximumMetadataEntries)")
            return
        }
        for entry in entries {
            if let problem = Self.problem(withMetadata: entry) {
                problems.append(problem)
            } else {
                metadata[entry.name] = entry.value.string
            }
        }
    }

    private static func problem(withMetadata entry: JSONMember) -> String? {
        if let violation = IdentifierRules.violation(of: entry.name) {
            return "the metadata key \(quoted(entry.name)) \(violation)"
        }
        if reservedMetadataKeys.contains(entry.name) {
            return "the metadata key \"\(entry.name)\" is reserved for the worker; choose another name"
        }
        let field = "metadata.\(RemoteText.cleaned(entry.name, limit: 64))"
        guard let text = entry.value.string else {
            return "\(field) is \(described(entry.value)); it must be a string"
        }
        let count = text.unicodeScalars.count
        if count > maximumMetadataCharacters {
            return "\(field) \(quoted(text)) has \(count) characters; the limit is \(maximumMetadataCharacters)"
        }
        if let control = text.unicodeScalars.first(where: { $0.properties.generalCategory == .control }) {
            return "\(field) contains the control character \(IdentifierRules.name(of: control)); remove it"
        }
        return nil
    }

    /// A text from outside as a message may show it.
    private static func quoted(_ text: String) -> String { "\"\(RemoteText.cleaned(text, limit: 64))\"" }

    private static func described(_ value: JSONValue) -> String {
        switch value {
        case .number(let number): "the number \(RemoteText.cleaned(number.literal, limit: 32))"
        case .bool(let value): "the boolean \(value)"
        default: value.kind
        }
    }
}
