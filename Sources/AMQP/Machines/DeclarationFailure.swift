// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Reads what RabbitMQ says when a declaration does not match (reply code 406).
///
/// For example: PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'q' in vhost '/': received the
/// value '10' of type 'signedint' but current is the value '20' of type 'signedint'
enum DeclarationFailure {
    static func mismatch(in text: String, kind: String, name: String) -> AMQPTopologyMismatch? {
        guard let marker = text.firstRange(of: "inequivalent arg '"),
            let close = text[marker.upperBound...].firstIndex(of: "'")
        else { return nil }
        let argument = String(text[marker.upperBound..<close])
        var mismatch = AMQPTopologyMismatch(kind: kind, name: name, argument: argument)
        guard let received = text.firstRange(of: ": received "),
            let current = text[received.upperBound...].firstRange(of: " but current is ")
        else { return mismatch }
        mismatch.declared = value(text[received.upperBound..<current.lowerBound])
        mismatch.current = value(text[current.upperBound...])
        return mismatch
    }

    /// `none`, `'v'`, or `the value 'v' of type 't'`.
    private static func value(_ text: Substring) -> String? {
        guard let open = text.firstIndex(of: "'") else { return nil }
        let inner = text[text.index(after: open)...]
        // A value may contain quotes itself: the last one before the type ends it.
        let end = inner.firstRange(of: "' of type")?.lowerBound ?? inner.lastIndex(of: "'") ?? inner.endIndex
        return String(inner[..<end])
    }

    /// The error for a declaration the broker refused.
    static func describe(_ error: AMQPError, kind: String, name: String) -> AMQPError {
        var result = error
        switch error.replyCode {
        case 406:
            result.code = .topologyMismatch
            result.isRetriable = false
            result.mismatch = mismatch(in: error.underlying ?? "", kind: kind, name: name)
            result.message = message(result.mismatch, kind: kind, name: name)
        case 404:
            result.message = "The \(kind) '\(name)' does not exist, or refers to one that does not. Declare it first."
        case 405:
            result.message = "The \(kind) '\(name)' is locked by another connection (exclusive). Close that one first."
        case 403:
            result.message =
                "The broker's user may not declare or look at the \(kind) '\(name)'. Grant it the permission, or "
                + "use a name it may use."
        default:
            result.message = "The \(kind) '\(name)' could not be declared: \(error.message)"
        }
        return result
    }

    private static func message(_ mismatch: AMQPTopologyMismatch?, kind: String, name: String) -> String {
        guard let mismatch else {
            return "The broker refuses the declaration of the \(kind) '\(name)'. Correct the arguments it names."
        }
        let declared = mismatch.declared.map { "'\($0)'" } ?? "none"
        let current = mismatch.current.map { "'\($0)'" } ?? "none"
        return "The \(kind) '\(name)' exists with another '\(mismatch.argument)': declared \(declared), the broker has "
            + "\(current). Arguments of a \(kind) cannot be changed: configure the broker's value here, or move its "
            + "messages away, delete it and let it be declared anew, or only check it passively."
    }
}
