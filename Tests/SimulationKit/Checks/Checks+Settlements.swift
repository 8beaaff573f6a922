// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

extension Checks {
    /// A worker is about to settle a delivery.
    func settles(_ lent: LentMessage, _ how: Settlement, by process: Incarnation) {
        switch how {
        case .acknowledge: acknowledges(lent, process)
        case .reject: rejects(lent, process)
        case .requeue: world.seen.add(.handedBack)
        }
    }

    private func acknowledges(_ lent: LentMessage, _ process: Incarnation) {
        let message = lent.identity
        guard !expectedFailures(of: message).isEmpty || mayComplete(message) else {
            return fail("acknowledged-early", "\(message) is acknowledged, though it can never succeed")
        }
        let successes = runs(of: message).filter { $0.outcome?.isSuccess == true }
        let lacks = successes.map { lacking($0, lent, process) }
        if lacks.contains(where: \.isEmpty) { return }
        let why = zip(successes, lacks).map { "run \($0.id) lacks \($1.joined(separator: ", "))" }
        fail(
            "acknowledged-early",
            "\(process.instance) acknowledges \(message); " + (why.isEmpty ? "no run of it succeeded" : why.joined()))
    }

    private func rejects(_ lent: LentMessage, _ process: Incarnation) {
        let message = lent.identity
        let failures = runs(of: message).filter { $0.isRefusal || $0.outcome?.failure != nil }
        let told = failures.filter { lacking($0, lent, process).isEmpty }
        guard !told.isEmpty else {
            return fail("rejected-early", "\(process.instance) rejects \(message) before its failure was told")
        }
        let codes = told.compactMap { $0.outcome?.failure?.code }
        var expected = expectedFailures(of: message)
        // What is replayed has had its cause mended, but may share a run that was still going on.
        let isShared = told.contains { $0.decidedAt ?? .max > message.publishedAt - .minute }
        if isShared { expected.formUnion(ownFailures(of: message)) }
        if told.contains(where: \.isRefusal),
            expected.contains(.invalidCommand) || expected.contains(.commandIDConflict)
        {
            return
        }
        if codes.contains(where: expected.contains) { return }
        let failure = told.compactMap { $0.outcome?.failure }.first
        fail(
            "dead-by-surroundings",
            "\(message) fails with \(failure?.code.rawValue ?? "a refusal"), which nothing of its own explains: "
                + (failure?.message ?? ""))
    }

    /// The runs that can have been of this very content.
    private func runs(of message: Message) -> [Run] {
        runs.values.filter { $0.command == message.command && $0.fingerprint == fingerprints[message.number] }
            .sorted { $0.id < $1.id }
    }

    /// What of a run is not known to be done by the process that wants to settle.
    private func lacking(_ run: Run, _ lent: LentMessage, _ process: Incarnation) -> [String] {
        let knowledge = process.knowledge
        var lacking = World.sinkNames.filter {
            knowledge.durable[run.id]?[$0] ?? -1 < lent.receivedAt
        }.map { "the audit record in \($0)" }
        if knowledge.confirmed[run.id] ?? -1 < lent.receivedAt { lacking.append("a confirmed event") }
        if let artifact = run.outcome?.artifact {
            let sound = knowledge.sound[artifact.key]
            let isOwnDecision = knowledge.decided[run.id] ?? -1 >= lent.receivedAt
            if sound == nil || (sound ?? 0 < lent.receivedAt && !isOwnDecision) { lacking.append("a sound object") }
        }
        return lacking
    }

    // MARK: What may come of a message

    private func mayComplete(_ message: Message) -> Bool {
        world.scenario.commands[message.command].ending == .completes || world.isMended(message.command)
    }

    /// The failures that the scenario itself asks for.
    private func expectedFailures(of message: Message) -> Set<FailureCode> {
        let plan = world.scenario.commands[message.command]
        var codes = message.replay == nil || plan.ending == .invalid ? ownFailures(of: message) : []
        if world.scopeLosses[plan.tenant] != nil { codes.insert(.permissionDenied) }
        if plan.copies.contains(where: { $0.variant != 0 }) { codes.insert(.commandIDConflict) }
        if plan.lostJobs >= World.policy.maxRuns { codes.insert(.exportLost) }
        let isReturned = { [world] (other: Message) in
            other.command == message.command && other.returns >= world.scenario.deliveryLimit - 10
        }
        if world.broker.messages.contains(where: isReturned) { codes.insert(.deliveriesExhausted) }
        if plan.unencrypted >= 2 { codes.formUnion([.storageRefused, .artifactUnreadable]) }
        return codes
    }

    /// The failure that the command itself is made for.
    private func ownFailures(of message: Message) -> Set<FailureCode> {
        switch world.scenario.commands[message.command].ending {
        case .completes: []
        case .invalid: [.invalidCommand]
        case .jobFails: [.exportFailed]
        case .unknownJobStatus: [.unexpectedJobStatus]
        case .notTrained: [.modelNotTrained]
        case .modelMissing: [.modelNotFound]
        }
    }

    // MARK: The end

    /// Everything has come to its end: does all of it hold together?
    func finish() {
        for message in world.broker.messages where message.state != .acknowledged && message.state != .dead {
            return fail("lost-or-stuck", "\(message) is still \(message.state), \(message.returns) returns")
        }
        for number in orphans.sorted() where world.bucket.uploads[number] != nil {
            fail("left-upload", "upload \(number) of an owner that was replaced is still there")
        }
        let acknowledged = Set(world.broker.messages.filter { $0.state == .acknowledged }.map(\.command))
        for document in world.bucket.documents.sorted(by: { $0.key < $1.key }).map(\.value) {
            guard let checkpoint = document.checkpoint, let artifact = checkpoint.outcome?.artifact,
                let command = command(named: checkpoint.commandID), acknowledged.contains(command),
                !world.hasVanished(artifact.key)
            else { continue }
            let object = world.bucket.objects[artifact.key]
            if object?.content != artifact.sha256 || object?.isEncrypted != true {
                fail("object-durable", "\(artifact.key) of the acknowledged c\(command) is not there any more")
            }
        }
    }
}
