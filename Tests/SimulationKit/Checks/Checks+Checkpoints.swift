// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

extension Checks {
    /// A checkpoint was written over another, or where none was.
    func wrote(_ new: Checkpoint, over old: Checkpoint?, by process: Incarnation) {
        guard let command = command(named: new.commandID) else {
            return fail("owner-writes", "a checkpoint of \(new.commandID), which nobody asked for")
        }
        if runs[new.runID] == nil {
            register(
                Run(id: new.runID, command: command, fingerprint: new.fingerprint))
        }
        checkWriter(new, old, process)
        if let old { checkSuccession(new, old, process) }
        checkBounds(new)
        if let outcome = new.outcome { decided(new, outcome, process) }
        if let upload = old?.upload, new.owner != old?.owner, new.owner != nil, let number = Int(upload.uploadID) {
            orphans.insert(number)
        }
    }

    /// Whoever writes owns, or takes over, or lets go of what it owned.
    private func checkWriter(_ new: Checkpoint, _ old: Checkpoint?, _ process: Incarnation) {
        let instance = process.instance
        if new.owner == nil {
            if old?.owner != instance {
                fail(
                    "owner-writes", "\(instance) releases \(new.commandID), which belongs to \(old?.owner ?? "nobody")")
            }
            return
        }
        if new.owner != instance {
            return fail("owner-writes", "\(instance) writes a checkpoint in the name of \(new.owner ?? "nobody")")
        }
        guard let old, let owner = old.owner, owner != instance, old.stage != .decided else { return }
        checkDeath(of: owner, new, process)
        world.seen.add(.deadOwners)
    }

    /// An owner may be replaced only after its lease did not change for as long as the policy says, and soon after: the
    /// write that does it can be repeated for a while.
    private func checkDeath(of owner: String, _ new: Checkpoint, _ process: Incarnation) {
        let sighting = process.knowledge.leases[World.stateKeys.worker(instance: owner)]
        if let death = sighting?.death, world.clock.now - death < 15 * .minute { return }
        let still = sighting.map { $0.last - $0.first } ?? 0
        fail(
            "take-over",
            "\(process.instance) takes \(new.commandID) over from \(owner), whose lease it saw unchanged for "
                + "\(still.text)s of \(World.leaseExpiry.text)s")
    }

    private func checkBounds(_ new: Checkpoint) {
        if new.attempts > world.faults {
            fail("attempts", "\(new.commandID) counts \(new.attempts) attempts after \(world.faults) faults")
        }
        if new.runs > World.policy.maxRuns {
            fail("runs-bounded", "\(new.commandID) has its run \(new.runs) of \(World.policy.maxRuns)")
        }
    }

    /// Nobody takes over from itself what it never let go of: a write whose answer was lost is known by its nonce.
    private func checkOwnWrite(_ new: Checkpoint, _ old: Checkpoint, _ process: Incarnation) {
        guard old.owner == process.instance, new.owner == process.instance, old.stage != .decided,
            new.epoch != old.epoch, !process.knowledge.wasRefusedFalsely
        else { return }
        fail("own-write", "\(process.instance) takes \(new.commandID) over from itself")
    }

    private func checkSuccession(_ new: Checkpoint, _ old: Checkpoint, _ process: Incarnation) {
        guard new.runID != old.runID else {
            checkOwnWrite(new, old, process)
            if old.stage == .decided { fail("decided-is-final", "the decision of run \(old.runID) is overwritten") }
            if old.stage == .triggered, new.job != old.job {
                fail("second-trigger", "run \(old.runID) changes its job from \(old.job?.jobID ?? "-")")
            }
            return
        }
        world.seen.add(.newRuns)
        if let reason = reasonForNewRun(new, old, process) {
            fail("needless-run", "run \(new.runID) replaces \(old.runID) of \(old.commandID): \(reason)")
        }
    }

    /// What is wrong with beginning another run; nil where it is right.
    private func reasonForNewRun(_ new: Checkpoint, _ old: Checkpoint, _ process: Incarnation) -> String? {
        guard let command = command(named: old.commandID), !world.scenario.commands[command].isNameless else {
            return nil
        }
        guard let outcome = old.outcome else {
            return runs[old.runID]?.isGone == true ? nil : "its job is not gone"
        }
        if let artifact = outcome.artifact {
            return process.knowledge.damaged.contains(artifact.key) ? nil : "nobody found its object missing"
        }
        return new.messageToken != old.messageToken ? nil : "it failed, and this is no replay"
    }

    private func decided(_ new: Checkpoint, _ outcome: Outcome, _ process: Incarnation) {
        process.knowledge.decided[new.runID] = world.clock.now
        world.seen.add(.decisions)
        if let known = runs[new.runID]?.outcome, known != outcome {
            return fail("one-outcome", "run \(new.runID) is decided a second time, in another way")
        }
        if outcome.runID != new.runID { fail("one-outcome", "run \(new.runID) is decided as run \(outcome.runID)") }
        if runs[new.runID]?.outcome == nil { runs[new.runID]?.decidedAt = world.clock.now }
        runs[new.runID]?.outcome = outcome
        if outcome.failure?.code == .permissionDenied { refused(new, process) }
    }

    /// Each time that a tenant loses its scope, only so many commands are believed to be refused for reasons of their own.
    private func refused(_ new: Checkpoint, _ process: Incarnation) {
        guard let command = command(named: new.commandID) else { return }
        let tenant = world.scenario.commands[command].tenant
        let limit = world.scenario.suspectAfter * world.scopeLosses[tenant, default: 0]
        let key = Refused(process: process.number, tenant: tenant)
        refused[key, default: []].insert(new.commandID)
        guard refused[key]?.count ?? 0 > limit else { return }
        fail("refusals-bounded", "\(process.instance) lets more than \(limit) commands fail for a lost scope")
    }
}
