// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import ExportPipeline

extension FuzzTarget {
    static let checkpoint = FuzzTarget(name: "checkpoint", summary: "checkpoints, outcomes, pause orders") { input in
        switch Result(catching: { () throws(UnreadableState) in try CheckpointCodec.decode(input) }) {
        case .success(let checkpoint): try check(checkpoint)
        case .failure(let error): try claimPrintable(error.message, "the reason")
        }
        switch Result(catching: { () throws(UnreadableState) in try CheckpointCodec.decodeOutcome(input) }) {
        case .success(let outcome): try check(outcome)
        case .failure(let error): try claimPrintable(error.message, "the reason")
        }
        switch Result(catching: { () throws(UnreadableState) in try PauseOrdersCodec.decode(input) }) {
        case .success(let orders):
            let written = try PauseOrdersCodec.encode(orders)
            try claimSame(try PauseOrdersCodec.decode(written), orders, "pause orders written and read again")
        case .failure(let error): try claimPrintable(error.message, "the reason")
        }
    }

    private static func check(_ checkpoint: Checkpoint) throws {
        let written = try CheckpointCodec.encode(checkpoint)
        let again = try CheckpointCodec.decode(written)
        try claimSame(again, checkpoint, "a checkpoint written and read again")
        try claim(try CheckpointCodec.encode(again) == written, "the same checkpoint as other bytes")
        // Whoever takes over counts on from these; a document must not end the process that reads it.
        for count in [checkpoint.epoch, checkpoint.runs, checkpoint.attempts] {
            try claim((0...1_000_000_000).contains(count), "a count of \(count)")
        }
        try claim((0...1e9).contains(checkpoint.jobSeconds), "\(checkpoint.jobSeconds) seconds of a job")
        if let outcome = checkpoint.outcome { try check(outcome) }
    }

    private static func check(_ outcome: Outcome) throws {
        let written = try CheckpointCodec.encode(outcome)
        try claimSame(try CheckpointCodec.decodeOutcome(written), outcome, "an outcome written and read again")
        // What an older worker froze is rendered as it stands: only as bodies, which are escaped.
        try OutcomeClaims.check(outcome, withHeaders: false)
    }
}
