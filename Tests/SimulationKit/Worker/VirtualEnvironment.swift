// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// Time and chance as one process knows them.
struct VirtualEnvironment: PipelineEnvironment {
    let process: Incarnation

    private var world: World { process.world }

    func now() -> Duration { world.clock.now.duration }

    func date() -> Timestamp {
        let skew = world.skews[process.host]
        return Timestamp(milliseconds: world.scenario.startsAt + (world.clock.now + skew) / 1000)
    }

    func jitter() -> Double { world.random.unit() }

    func uniqueID() -> String { "id\(world.nextNumber())" }

    func sleep(_ duration: Duration) async throws(CancellationError) {
        let process = process
        let isOver = await process.ask(otherwise: false) { reply in
            process.world.after(Instant(duration)) { reply.send(true) }
        }
        if !isOver { throw CancellationError() }
    }
}

/// The pipeline's own account of what it does, for those who read the trace.
struct TraceObserver: PipelineObserver {
    let process: Incarnation

    func note(_ event: PipelineEvent, of subject: PipelineSubject) {
        let world = process.world
        guard process.condition == .running, !world.isOver else { return }
        switch event {
        case .runStarted(_, takenOverFrom: .some): world.seen.add(.takeOvers)
        default: break
        }
        guard world.trace.isKept, let text = brief(event) else { return }
        world.note("event", process.number, "\(process.instance)  · \(subject.commandID ?? "?") \(text)")
    }

    private func brief(_ event: PipelineEvent) -> String? {
        switch event {
        case .accepted(_, let isRedelivered): "accepted\(isRedelivered ? ", redelivered" : "")"
        case .refused(let outcome): "refused: \(outcome.failure?.message ?? "")"
        case .runStarted(let checkpoint, let from):
            "runs \(checkpoint.runID), epoch \(checkpoint.epoch)\(from.map { ", taken over from \($0)" } ?? "")"
        case .waiting(let duration, let reason, let error):
            "waits \(Instant(duration).text)s (\(reason)\(error.map { ": \($0)" } ?? ""))"
        case .runEnded(.decided(let checkpoint)):
            "decided \(checkpoint.runID): \(checkpoint.outcome?.failure?.code.rawValue ?? "success")"
        case .runEnded(let end): "run ended: \(end)"
        case .verifiedAgain(_, let verification): "looked again: \(verification)"
        case .unreadableState(let text): "unreadable: \(text)"
        case .settled(let settlement, let reached): "settled: \(settlement)\(reached ? "" : ", not reached")"
        default: nil
        }
    }
}
