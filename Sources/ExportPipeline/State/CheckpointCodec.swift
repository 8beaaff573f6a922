// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Why a state document could not be understood. Such a document holds its command; it is never permanent.
package struct UnreadableState: Error, Sendable, Hashable {
    /// What is wrong with which document: at most 1 KiB, without control characters.
    package let message: String

    init(message: String) { self.message = RemoteText.cleaned(message) }
}

/// Reads and writes the documents of the state store.
package enum CheckpointCodec {
    /// The checkpoint as JSON with sorted keys, so that the same checkpoint is always the same bytes.
    ///
    /// - Throws: `UnreadableState` for a number that JSON cannot hold.
    package static func encode(_ checkpoint: Checkpoint) throws(UnreadableState) -> [UInt8] {
        try written(checkpoint.document, of: checkpoint.runID)
    }

    /// The outcome alone, as it is kept for messages that never became a run.
    package static func encode(_ outcome: Outcome) throws(UnreadableState) -> [UInt8] {
        try written(outcome.document, of: outcome.runID)
    }

    private static func written(_ document: JSONObject?, of runID: String) throws(UnreadableState) -> [UInt8] {
        if let document { return JSONWriter.bytes(of: document) }
        throw UnreadableState(message: "the state document of run \(runID) cannot be written: a number is not finite")
    }

    /// Reads a checkpoint that this or an older worker wrote.
    ///
    /// - Throws: `UnreadableState` for a newer schema, a truncated document or anything else that is not a checkpoint.
    package static func decode(_ bytes: [UInt8]) throws(UnreadableState) -> Checkpoint {
        let schema = try decodeValue(SchemaOnly.self, bytes).schema
        guard schema <= Checkpoint.currentSchema else {
            throw UnreadableState(
                message: "checkpoint schema \(schema) is newer than \(Checkpoint.currentSchema), which this worker "
                    + "knows; let a newer worker handle the command")
        }
        let checkpoint = try decodeValue(Checkpoint.self, bytes)
        guard checkpoint.stage != .triggered || checkpoint.job != nil else {
            throw UnreadableState(message: "checkpoint of \(checkpoint.commandID) is triggered but names no job")
        }
        guard (checkpoint.stage == .decided) == (checkpoint.outcome != nil) else {
            throw UnreadableState(message: "checkpoint of \(checkpoint.commandID) is decided without an outcome")
        }
        try checkNumbers(checkpoint)
        return checkpoint
    }

    /// Numbers that whoever takes over counts on from: a document must not end the process that reads it.
    private static func checkNumbers(_ checkpoint: Checkpoint) throws(UnreadableState) {
        let counts = [
            ("epoch", checkpoint.epoch), ("runs", checkpoint.runs), ("attempts", checkpoint.attempts),
        ]
        for (name, count) in counts where !(0...largestCount).contains(count) {
            throw UnreadableState(message: "checkpoint of \(checkpoint.commandID) has the \(name) \(count)")
        }
        guard (0...Double(largestCount)).contains(checkpoint.jobSeconds) else {
            throw UnreadableState(
                message: "checkpoint of \(checkpoint.commandID) has the jobSeconds \(checkpoint.jobSeconds)")
        }
    }

    /// Far beyond any real count, and far from overflow.
    private static let largestCount = 1_000_000_000

    /// Reads an outcome kept by itself.
    package static func decodeOutcome(_ bytes: [UInt8]) throws(UnreadableState) -> Outcome {
        try decodeValue(Outcome.self, bytes)
    }

    struct SchemaOnly: Decodable { let schema: Int }

    static func encodeValue(_ value: some Encodable) throws(UnreadableState) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw UnreadableState(message: "the state document cannot be written: \(error)")
        }
    }

    static func decodeValue<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8]
    ) throws(UnreadableState) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw UnreadableState(message: "the state document cannot be read: \(error)")
        }
    }
}
