// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Why a text is no usable key template.
package struct KeyTemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        case empty, malformed, unknownPlaceholder, tenantMissing, notUnique, reserved
    }

    package let code: Code
    /// What is wrong and what to write instead.
    package let message: String

    package var description: String { message }
}

/// The checked template of object keys, for example `nlu-exports/{modelId}/{version}/{exportId}.{extension}`.
package struct ObjectKeyTemplate: Sendable, Hashable {
    /// The template that is used by default.
    package static let standard = "nlu-exports/{modelId}/{version}/{exportId}.{extension}"
    /// What S3 allows for a key, in bytes.
    package static let maximumKeyBytes = 1024

    enum Placeholder: String, CaseIterable {
        case tenant, modelId, version, exportId, format, `extension`, commandId
    }

    enum Piece: Sendable, Hashable {
        case literal(String)
        case placeholder(Placeholder)
    }

    package let text: String
    private let pieces: [Piece]

    /// Checks a template: placeholders are known, every segment has a name, and two exports never share a key.
    ///
    /// - Parameters:
    ///   - tenantCount: with more than one tenant a template without `{tenant}` is refused.
    ///   - reservedPrefixes: where checkpoints and audit records lie; a template that leads there is refused.
    package init(_ text: String, tenantCount: Int = 1, reservedPrefixes: [String] = []) throws(KeyTemplateError) {
        self.text = text
        pieces = try Self.split(text)
        let placeholders = Set(pieces.compactMap { if case .placeholder(let name) = $0 { name } else { nil } })
        try Self.check(text, uses: placeholders, tenantCount: tenantCount)
        try Self.checkSegments(text, reservedPrefixes: reservedPrefixes)
    }

    /// The key of a command's artifact.
    ///
    /// Throws `storage_refused` for a key over 1,024 bytes or one with an empty, `.` or `..` segment, which stores treat
    /// differently from each other.
    package func key(for command: ExportCommand, exportID: String) throws(StepError) -> String {
        var key = ""
        for piece in pieces {
            switch piece {
            case .literal(let text): key += text
            case .placeholder(let name): key += Self.value(of: name, command, exportID)
            }
        }
        guard key.utf8.count <= Self.maximumKeyBytes else {
            throw StepError(
                .permanent(.storageRefused),
                "the object key \(RemoteText.cleaned(key, limit: 128)) has \(key.utf8.count) bytes; S3 allows "
                    + "\(Self.maximumKeyBytes): shorten the key template or the ids")
        }
        guard Self.hasNamedSegments(key) else {
            throw StepError(
                .permanent(.storageRefused),
                "the object key \(RemoteText.cleaned(key, limit: 256)) has an empty, . or .. segment: change the key "
                    + "template or the ids")
        }
        return key
    }

    /// The file name extension of a format: `onnx` for ONNX, else the format in lower case, percent-encoded.
    package static func fileExtension(of format: String) -> String { PercentEncoding.encode(format.lowercased()) }

    private static func value(of placeholder: Placeholder, _ command: ExportCommand, _ exportID: String) -> String {
        switch placeholder {
        case .tenant: PercentEncoding.encode(command.tenant)
        case .modelId: PercentEncoding.encode(command.modelID)
        case .version: PercentEncoding.encode(command.version)
        case .exportId: PercentEncoding.encode(exportID)
        case .format: PercentEncoding.encode(command.format)
        case .extension: fileExtension(of: command.format)
        case .commandId: PercentEncoding.encode(command.commandID)
        }
    }
}

extension ObjectKeyTemplate {
    private static func split(_ text: String) throws(KeyTemplateError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while !rest.isEmpty {
            let literal = rest.prefix { $0 != "{" && $0 != "}" }
            if !literal.isEmpty { pieces.append(.literal(try checked(literal))) }
            rest = rest[literal.endIndex...]
            guard let brace = rest.first else { break }
            guard brace == "{", let end = rest.firstIndex(of: "}") else {
                throw KeyTemplateError(
                    code: .malformed, message: "the key template \(quoted(text)) has a brace without its counterpart")
            }
            pieces.append(.placeholder(try placeholder(rest[rest.index(after: rest.startIndex)..<end])))
            rest = rest[rest.index(after: end)...]
        }
        return pieces
    }

    private static func placeholder(_ name: Substring) throws(KeyTemplateError) -> Placeholder {
        if let placeholder = Placeholder(rawValue: String(name)) { return placeholder }
        let known = Placeholder.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")
        throw KeyTemplateError(
            code: .unknownPlaceholder,
            message: "the key template has the unknown placeholder {\(RemoteText.cleaned(String(name), limit: 64))}; "
                + "known are \(known)")
    }

    private static func checked(_ literal: Substring) throws(KeyTemplateError) -> String {
        guard literal.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }) else {
            throw KeyTemplateError(
                code: .malformed,
                message: "the key template has characters outside printable ASCII, a blank or a backslash in "
                    + "\(quoted(String(literal))); remove them")
        }
        return String(literal)
    }

    private static func check(
        _ text: String, uses placeholders: Set<Placeholder>, tenantCount: Int
    ) throws(KeyTemplateError) {
        guard !text.isEmpty else {
            throw KeyTemplateError(code: .empty, message: "the key template is empty; the usual one is \(standard)")
        }
        guard tenantCount <= 1 || placeholders.contains(.tenant) else {
            throw KeyTemplateError(
                code: .tenantMissing,
                message:
                    "the key template \(quoted(text)) does not contain {tenant}; with \(tenantCount) tenants their "
                    + "artifacts could overwrite each other: add {tenant}")
        }
        guard !placeholders.isDisjoint(with: [.exportId, .commandId]) else {
            throw KeyTemplateError(
                code: .notUnique,
                message:
                    "the key template \(quoted(text)) contains neither {exportId} nor {commandId}; a second export of "
                    + "a version would find its key taken: add {exportId}")
        }
    }

    private static func checkSegments(_ text: String, reservedPrefixes: [String]) throws(KeyTemplateError) {
        guard hasNamedSegments(text) else {
            throw KeyTemplateError(
                code: .malformed,
                message:
                    "the key template \(quoted(text)) begins or ends with a slash, or has an empty, . or .. segment")
        }
        guard let prefix = reservedPrefixes.first(where: { !$0.isEmpty && text.hasPrefix($0) }) else { return }
        throw KeyTemplateError(
            code: .reserved,
            message: "the key template \(quoted(text)) leads into \(prefix), where the worker keeps its own documents; "
                + "choose another folder")
    }

    private static func hasNamedSegments(_ key: String) -> Bool {
        key.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !["", ".", ".."].contains($0) }
    }

    private static func quoted(_ text: String) -> String { "\"\(RemoteText.cleaned(text, limit: 256))\"" }
}
