// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

// MARK: Finishing

extension DeliveryDriver {
    func wait(_ duration: Duration) async -> DeliveryResult {
        do {
            try await parts.environment.sleep(duration)
            return .waited
        } catch {
            return .interrupted
        }
    }

    func hold(_ dependency: Dependency) async -> DeliveryResult {
        control.note(isHeld: true)
        await parts.health.untilHealthy(dependency)
        control.note(isHeld: false)
        return Task.isCancelled ? .interrupted : .waited
    }

    func verify(_ artifact: StoredArtifact) async -> DeliveryResult {
        do throws(StepError) {
            let verification = try await parts.artifacts.verify(artifact)
            note(.verifiedAgain(artifact, verification))
            return .verified(verification)
        } catch {
            return .failed(error)
        }
    }

    /// Keeps the outcome of a message that is no run under the digest of the message; the first outcome kept wins.
    func record(_ outcome: Outcome) async -> DeliveryResult {
        let key = settings.stateKeys.invalid(digest: outcome.runID)
        do throws(StepError) {
            let bytes: [UInt8]
            do { bytes = try CheckpointCodec.encode(outcome) } catch { throw StepError(.transient(), error.message) }
            if case .written = try await parts.state.write(bytes, to: key, if: .absent) { return .recorded(outcome) }
            guard let found = try await parts.state.read(key) else {
                throw StepError(.transient(), "\(key) vanished while it was being written")
            }
            do {
                return .recorded(try CheckpointCodec.decodeOutcome(found.bytes))
            } catch {
                note(.unreadableState("\(key): \(error.message)"))
                throw StepError(.transient(), error.message)
            }
        } catch {
            return .failed(error)
        }
    }

    func audit(_ outcome: Outcome, _ done: Set<Int>) async -> (DeliveryResult, Set<Int>) {
        let record = AuditRecord(rendering: outcome)
        var done = done
        for (position, sink) in parts.sinks.enumerated() where !done.contains(position) {
            do throws(StepError) {
                try await sink.write(record)
                done.insert(position)
                note(.audited(record, sink: sink.name))
            } catch {
                return (await judged(error, record, sink), done)
            }
        }
        return (.audited, done)
    }

    /// A record that a sink does not take is retried for ever; a sink that takes none is out of order.
    private func judged(_ error: StepError, _ record: AuditRecord, _ sink: any AuditSink) async -> DeliveryResult {
        if error.kind == .interrupted { return .failed(error) }
        let general = await parts.health.judged(error, of: nil)
        if case .surroundings = general.kind { return .failed(general) }
        let place = Dependency.auditSink(sink.name)
        if case .transient(limit: nil, _) = general.kind, general.httpStatus != nil {
            return .failed(await parts.health.judged(general, of: place))
        }
        guard await parts.health.isDown(place, because: .record(record, error)) else { return .failed(general) }
        return .failed(StepError(.surroundings(place), error.message, httpStatus: error.httpStatus))
    }

    func announce(_ outcome: Outcome) async -> DeliveryResult {
        let event = ExportEvent(rendering: outcome, source: settings.eventSource)
        do throws(StepError) {
            note(.announced(event, try await parts.events.publish(event)))
            return .announced
        } catch {
            return .failed(error)
        }
    }

    /// The one place where a command is settled, and so the only one that acknowledges it: the machine comes here with
    /// `.acknowledge` only from a success that was verified, audited in every sink and confirmed as announced.
    func settle(_ settlement: Settlement) async -> DeliveryResult {
        let reached = await uncut { await self.delivery.settle(settlement) }
        note(.settled(settlement, reached: reached))
        return .settled
    }

    @inline(never)
    func note(_ event: PipelineEvent) {
        let about =
            switch subject {
            case .command(let accepted, _): PipelineSubject(accepted.command)
            case .refusal(let outcome): PipelineSubject(outcome)
            }
        parts.observer.note(event, of: about)
    }
}
