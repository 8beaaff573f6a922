// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a publish is recognised by when the broker returns it: basic.return carries no delivery tag.
struct PublishKey: Hashable, Sendable {
    var exchange: String
    var routingKey: String
    var messageID: String?
    var bodySize: UInt64
}

/// The publishes of one channel in confirm mode that the broker has not decided yet.
///
/// Confirms come out of order and for several at once. A returned message is announced before its acknowledgement, so
/// the return is kept until then. Returns keep the order of publishing, so among equal messages the oldest is meant.
struct ConfirmLedger<ID: Hashable & Sendable> {
    /// How the broker decided.
    enum Verdict: Equatable {
        case routed
        case unroutable(replyText: String)
        case refused
    }

    private struct Entry {
        var id: ID
        var key: PublishKey
        var returnText: String?
    }

    private var entries: [UInt64: Entry] = [:]
    private var lastSequence: UInt64 = 0
    /// Confirms and returns that matched nothing: a sign of a broker or library at fault.
    private(set) var unmatched: UInt64 = 0

    var count: Int { entries.count }

    /// A publish is about to be written; the broker counts in the same way, from 1.
    mutating func published(_ id: ID, key: PublishKey) {
        lastSequence += 1
        entries[lastSequence] = Entry(id: id, key: key)
    }

    /// A message came back.
    mutating func returned(_ key: PublishKey, replyText: String) {
        let candidates = entries.filter { $0.value.returnText == nil && $0.value.key == key }
        guard let sequence = candidates.keys.min() else {
            unmatched += 1
            return
        }
        entries[sequence]?.returnText = replyText
    }

    /// basic.ack or basic.nack came; returns what it decides, oldest first. Tag 0 with `multiple` means all.
    mutating func decided(tag: UInt64, multiple: Bool, accepted: Bool) -> [(id: ID, verdict: Verdict)] {
        let tags = multiple ? entries.keys.filter { tag == 0 || $0 <= tag }.sorted() : [tag]
        var verdicts: [(id: ID, verdict: Verdict)] = []
        for tag in tags {
            guard let entry = entries.removeValue(forKey: tag) else {
                unmatched += 1
                continue
            }
            let positive = entry.returnText.map { Verdict.unroutable(replyText: $0) } ?? .routed
            verdicts.append((entry.id, accepted ? positive : .refused))
        }
        return verdicts
    }

    /// The channel is gone: everything undecided, oldest first; numbering starts again.
    mutating func reset() -> [ID] {
        let ids = entries.sorted { $0.key < $1.key }.map(\.value.id)
        entries.removeAll()
        lastSequence = 0
        return ids
    }
}
