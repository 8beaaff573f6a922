// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport
internal import ObjectStore

/// What the bucket knows about a dead letter.
enum DeadLetterRecord: Sendable, Hashable {
    /// Its command failed for good. `isOwn` is false where the failure is that of another message of the same command.
    case failed(Outcome, run: Run?, isOwn: Bool, key: String)
    /// Its command was carried out: this message, or a later one of the same command.
    case completed(Outcome, run: Run, key: String)
    /// Its command has a run that is not decided.
    case undecided(Run, stage: String, owner: String?, key: String)
    /// Nobody recorded anything: no worker rejected it.
    case nothing(keys: [String])
    /// The bucket could not be asked, or its answer could not be understood.
    case unknown(why: String)

    /// What a checkpoint counts.
    struct Run: Sendable, Hashable {
        let id: String
        let runs: Int
        let attempts: Int
    }
}

/// A dead letter and what is known about it.
struct JudgedDeadLetter: Sendable, Hashable {
    let letter: DeadLetter
    let record: DeadLetterRecord

    var outcome: Outcome? {
        switch record {
        case .failed(let outcome, _, _, _), .completed(let outcome, _, _): outcome
        case .undecided, .nothing, .unknown: nil
        }
    }

    /// Whether the bucket told nothing.
    var isUnknown: Bool { if case .unknown = record { true } else { false } }

    /// Why it is dead, as far as a worker recorded it.
    var failure: Failure? { if case .failed(let outcome, _, _, _) = record { outcome.failure } else { nil } }

    var run: DeadLetterRecord.Run? {
        switch record {
        case .failed(_, let run, _, _): run
        case .completed(_, let run, _), .undecided(let run, _, _, _): run
        case .nothing, .unknown: nil
        }
    }

    /// When it died: as its own failure says, else as the broker does.
    var when: Timestamp? {
        if case .failed(let outcome, _, true, _) = record { outcome.timestamp } else { letter.deaths.first?.at }
    }
}

/// Why a document could not be read.
struct RecordTrouble: Error, Hashable {
    let text: String
    /// Whether asking for another one is in vain as well.
    let isGeneral: Bool
}

/// Finds out from the state documents what became of dead letters.
struct DeadLetterRecords: Sendable {
    /// How many documents are read at the same time.
    private static let width = 8

    let keys: StateKeys
    /// The document under a key, nil where there is none.
    let read: @Sendable (_ key: String) async throws(RecordTrouble) -> [UInt8]?

    /// What is known about each letter, in their order. Where the bucket cannot be asked at all, it is asked once.
    func judge(_ letters: [DeadLetter]) async -> [JudgedDeadLetter] {
        guard let first = letters.first else { return [] }
        let trial: DeadLetterRecord
        do throws(RecordTrouble) { trial = try await record(of: first) } catch {
            let record = DeadLetterRecord.unknown(why: error.text)
            if error.isGeneral { return letters.map { JudgedDeadLetter(letter: $0, record: record) } }
            trial = record
        }
        return [JudgedDeadLetter(letter: first, record: trial)] + (await judgeMany(letters.dropFirst()))
    }

    private func judgeMany(_ letters: ArraySlice<DeadLetter>) async -> [JudgedDeadLetter] {
        await withTaskGroup(of: (Int, DeadLetterRecord).self) { group in
            var records: [Int: DeadLetterRecord] = [:]
            for index in letters.indices {
                if index - letters.startIndex >= Self.width, let (done, record) = await group.next() {
                    records[done] = record
                }
                let letter = letters[index]
                group.addTask {
                    let record = await known(of: letter)
                    return (index, record)
                }
            }
            for await (done, record) in group { records[done] = record }
            return letters.indices.map {
                JudgedDeadLetter(letter: letters[$0], record: records[$0] ?? .unknown(why: "it was not asked for"))
            }
        }
    }

    private func known(of letter: DeadLetter) async -> DeadLetterRecord {
        do throws(RecordTrouble) { return try await record(of: letter) } catch { return .unknown(why: error.text) }
    }

    private func record(of letter: DeadLetter) async throws(RecordTrouble) -> DeadLetterRecord {
        guard case .command(let accepted) = letter.subject else { return try await refusal(of: letter, seen: []) }
        let key = keys.checkpoint(tenant: accepted.command.tenant, commandID: accepted.command.commandID)
        guard let bytes = try await read(key) else { return try await refusal(of: letter, seen: [key]) }
        let checkpoint: Checkpoint
        do throws(UnreadableState) { checkpoint = try CheckpointCodec.decode(bytes) } catch {
            throw RecordTrouble(text: "\(key): \(error.message)", isGeneral: false)
        }
        // The run of another command under the same id: this message was refused for that.
        guard checkpoint.fingerprint == accepted.fingerprint else {
            return try await refusal(of: letter, seen: [key])
        }
        let run = DeadLetterRecord.Run(
            id: checkpoint.runID, runs: checkpoint.runs, attempts: checkpoint.attempts)
        guard let outcome = checkpoint.outcome else {
            return .undecided(run, stage: checkpoint.stage.rawValue, owner: checkpoint.owner, key: key)
        }
        if outcome.isSuccess { return .completed(outcome, run: run, key: key) }
        let isOwn = checkpoint.messageToken == accepted.messageToken
        return .failed(outcome, run: run, isOwn: isOwn, key: key)
    }

    /// The record of a message that never became a run.
    private func refusal(of letter: DeadLetter, seen: [String]) async throws(RecordTrouble) -> DeadLetterRecord {
        let key = keys.invalid(digest: letter.digest)
        guard let bytes = try await read(key) else { return .nothing(keys: seen + [key]) }
        do throws(UnreadableState) {
            return .failed(try CheckpointCodec.decodeOutcome(bytes), run: nil, isOwn: true, key: key)
        } catch {
            throw RecordTrouble(text: "\(key): \(error.message)", isGeneral: false)
        }
    }
}

extension DeadLetterRecords {
    /// Records in the bucket of the configuration; without one everything is unknown.
    init(settings: Settings, http: HTTPClient, environment: any PipelineEnvironment) {
        keys = StateKeys(prefix: settings.s3.statePrefix)
        guard !settings.s3.bucket.isEmpty else {
            read = { _ throws(RecordTrouble) in
                throw RecordTrouble(text: "s3.bucket is not configured", isGeneral: true)
            }
            return
        }
        do throws(S3Error) {
            let client = try CommandStore(settings: settings, http: http, environment: environment).client
            read = { key throws(RecordTrouble) in try await Self.document(key, in: client) }
        } catch {
            let trouble = RecordTrouble(text: error.description, isGeneral: true)
            read = { _ throws(RecordTrouble) in throw trouble }
        }
    }

    private static func document(_ key: String, in client: S3Client) async throws(RecordTrouble) -> [UInt8]? {
        do throws(S3Error) {
            return try await client.get(key, maximumBytes: S3StateStore.maximumBytes).bytes
        } catch {
            if error.kind == .notFound { return nil }
            let isGeneral = error.kind.concernsSurroundings || error.kind == .transport
            throw RecordTrouble(text: error.description, isGeneral: isGeneral)
        }
    }
}
