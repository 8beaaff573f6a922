// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import FoundationEssentials

/// Where the bucket and the audit file are, as people find them.
struct BucketPlace: Sendable, Hashable {
    let bucket: String
    let auditFile: String?

    init(_ settings: Settings) {
        bucket = settings.s3.bucket
        auditFile = settings.audit.file
    }

    func location(of key: String) -> String { "s3://\(bucket)/\(key)" }

    /// Where the audit record of an outcome was written to.
    func audit(of outcome: Outcome) -> String {
        if let key = outcome.auditKey { return location(of: key) }
        let id = AuditRecord(rendering: outcome).recordID
        return auditFile.map { "\($0), record_id \(id)" } ?? "record_id \(id)"
    }
}

/// Everything about some dead letters.
struct DeadShowReport: Sendable {
    let queue: String
    let look: AMQPLook
    let spent: Int?
    let letters: [(judged: JudgedDeadLetter, delivery: AMQPDelivery)]
    let place: BucketPlace
    let now: Timestamp

    init<Value: Sendable>(
        queue: String, view: DeadQueueView<Value>, letters: [(JudgedDeadLetter, AMQPDelivery)], place: BucketPlace,
        now: Timestamp
    ) {
        self.queue = queue
        look = view.look
        spent = view.spent
        self.letters = letters.map { (judged: $0.0, delivery: $0.1) }
        self.place = place
        self.now = now
    }

    /// Writes the letters to standard output; ends in 64 where there is none of that position or name.
    func show(_ selector: DeadLetterSelector, _ output: OutputFormat) -> WorkerExit {
        switch output {
        case .text: lines.forEach(CommandOutput.print)
        case .json where !letters.isEmpty: CommandOutput.print(JSONText.safe(document))
        case .json: break
        }
        for text in complaints(about: selector) { CommandOutput.complain(LogText.clean(text)) }
        if spent != nil { return .configuration }
        return letters.isEmpty ? .usage : .success
    }

    private func complaints(about selector: DeadLetterSelector) -> [String] {
        var texts: [String] = []
        if case .unknown(let why)? = letters.first?.judged.record {
            texts.append("why it is dead is not to be known: \(why)")
        }
        if letters.isEmpty {
            let (held, seen) = (Int(look.queue.messageCount), look.taken)
            switch selector {
            case .position(let position): texts.append("there is no dead letter \(position): \(queue) holds \(held)")
            case .id(let id): texts.append("none of the \(seen) dead letters looked at in \(queue) is called \(id)")
            }
        }
        if let spent {
            texts.append(
                "stopped: a message was returned \(spent) times already, and \(queue) destroys it soon; --anyway looks "
                    + "at it nevertheless")
        }
        if !look.keptOrder {
            texts.append("the order of \(queue) may have changed: not all that were returned before could be taken")
        }
        return texts
    }
}

// MARK: Text

extension DeadShowReport {
    var lines: [String] {
        letters.enumerated().flatMap { index, letter in
            (index == 0 ? [] : [""]) + lines(letter.judged, letter.delivery)
        }
    }

    private func lines(_ judged: JudgedDeadLetter, _ delivery: AMQPDelivery) -> [String] {
        let letter = judged.letter
        let title = "dead letter \(letter.position) of \(look.queue.messageCount) in \(queue)"
        let facts = facts(judged).map { "  \($0.name.padded(to: 14))  \(LogText.clean($0.text, limit: 8192))" }
        let properties = ReadableJSON.lines(.object(delivery.properties.json))
        let headers = ReadableJSON.lines(.object(delivery.properties.headers.json))
        let cut = delivery.properties.headers.isTruncated ? " (not all of them: there are too many)" : ""
        return [title] + facts + ["", "properties"] + properties + ["", "headers\(cut)"] + headers
            + ["", "body (\(delivery.bodySize) bytes)"] + MessageBody(delivery).lines
    }

    private func facts(_ judged: JudgedDeadLetter) -> [(name: String, text: String)] {
        let letter = judged.letter
        var facts: [(String, String?)] = [
            ("command", letter.commandID), ("message id", letter.messageID), ("tenant", letter.tenant),
            ("model", letter.modelID), ("version", letter.version), ("format", letter.format),
            ("code", judged.code), ("stage", judged.failure?.stage.rawValue), ("reason", judged.reason),
            ("HTTP status", judged.failure?.httpStatus.map(String.init)),
            ("when", judged.when.map { AgeText.moment($0, now: now) }),
            ("attempts", judged.run.map { "\($0.attempts) failed in a row, in run \($0.runs) (\($0.id))" }),
            ("worker", judged.outcome?.worker), ("job", judged.outcome?.jobID), ("export", judged.outcome?.exportID),
            ("audit record", judged.outcome.map(place.audit)), ("state", state(of: judged.record)),
        ]
        facts += letter.deaths.prefix(4).map { death in
            (
                "dead-lettered",
                "\(death.reason) from \(death.queue)" + (death.at.map { " at \($0.description.prefix(19))Z" } ?? "")
            )
        }
        facts += [("remedy", judged.remedy), ("order anew", judged.submission)]
        return facts.compactMap { name, text in text.map { (name, $0) } }
    }

    private func state(of record: DeadLetterRecord) -> String? {
        switch record {
        case .failed(_, _, _, let key), .completed(_, _, let key), .undecided(_, _, _, let key): place.location(of: key)
        case .nothing(let keys): "nothing at " + keys.map(place.location).joined(separator: " and ")
        case .unknown: nil
        }
    }
}

// MARK: JSON

extension DeadShowReport {
    /// `{"queue":…,"ready":…,"letters":[{…,"properties":…,"headers":…,"body":…}]}`
    var document: JSONValue {
        let all = letters.map { judged, delivery in
            var object = judged.document
            object.set("auditRecord", judged.outcome.map { .string(place.audit(of: $0)) })
            object.set("state", state(of: judged.record).map(JSONValue.string))
            object.set("submission", judged.submission.map(JSONValue.string))
            object.set("properties", .object(delivery.properties.json))
            object.set("headers", .object(delivery.properties.headers.json))
            let body = MessageBody(delivery)
            object.set(body.member.name, body.member.value)
            return JSONValue.object(object)
        }
        return .object(
            JSONObject([
                "queue": .string(queue), "ready": .integer(Int(look.queue.messageCount)), "letters": .array(all),
            ]))
    }
}

/// The body of a message for people and for scripts.
struct MessageBody {
    let delivery: AMQPDelivery

    init(_ delivery: AMQPDelivery) { self.delivery = delivery }

    private var text: String? { String(validating: delivery.body, as: UTF8.self) }

    /// JSON one member a line, other text line by line, anything else in base64.
    var lines: [String] {
        if delivery.isOversized { return ["(too large to be fetched)"] }
        if let value = try? StrictJSON.parse(delivery.body) { return ReadableJSON.lines(value) }
        guard let text else { return ["(no text; in base64)", Data(delivery.body).base64EncodedString()] }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map {
            LogText.clean(String($0), limit: .max)
        }
    }

    /// `body` with the text as it is, or `bodyBase64`.
    var member: JSONMember {
        if delivery.isOversized { return JSONMember(name: "body", value: .null) }
        if let text { return JSONMember(name: "body", value: .string(text)) }
        return JSONMember(name: "bodyBase64", value: .string(Data(delivery.body).base64EncodedString()))
    }
}
