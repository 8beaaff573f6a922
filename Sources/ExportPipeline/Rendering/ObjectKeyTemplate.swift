// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Why a text is no usable key template.
package struct KeyTemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        case empty, malformed, unknownPlaceholder, tenantMissing, notUnique, reserved
    }

    package let code: Code
    /// What is wrong and what to write instead; names no configuration key.
    package let message: String

    package var description: String { message }
}

/// The checked template of object keys, for example `nlu-exports/{modelId}/{version}/{exportId}.{extension}`.
package struct ObjectKeyTemplate: Sendable, Hashable {
    /// The template that the design promises by default.
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
    let pieces: [Piece]

    /// Checks a template.
    ///
    /// - Parameters:
    ///   - tenantCount: with more than one tenant a template without `{tenant}` is refused.
    ///   - reservedPrefixes: where checkpoints and audit records lie; a template that leads there is refused.
    package init(
        _ text: String, tenantCount: Int = 1, reservedPrefixes: [String] = []
    ) throws(KeyTemplateError) {
        self.text = text
        pieces = try Self.split(text)
        try check(tenantCount: tenantCount, reservedPrefixes: reservedPrefixes)
    }

    /// The key of a command's artifact.
    ///
    /// Throws `storage_refused` for a key over 1,024 bytes or one with an empty, `.` or `..` segment.
    package func key(for command: ExportCommand, exportID: String) throws(StepError) -> String {
        fatalError()
    }

    /// The file name extension of a format: `onnx`, else the format in lower case, percent-encoded.
    package static func fileExtension(of format: String) -> String { PercentEncoding.encode(format.lowercased()) }
}
