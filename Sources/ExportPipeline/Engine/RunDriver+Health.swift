// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

// MARK: The health of what a run depends on

extension RunDriver {
    func noteSuccess(of step: RunStep) {
        // A transfer has two sides and says nothing about other calls of either.
        if let dependency = step.dependencies(command.tenant).first, !step.isTransfer {
            parts.health.succeeded(dependency)
        }
        if let stage = step.refusableStage { parts.health.accepted(command.tenant, stage: stage) }
    }

    /// Tells a fault of the surroundings from one of this command, the last time before the command would fail for it.
    func examined(_ result: RunResult, of step: RunStep, _ machine: RunMachine) async -> RunResult {
        guard case .failed(let error) = result else { return result }
        if step.dependencies(command.tenant) == [.tenant(command.tenant)], error.isFinalAnswer {
            let isMeantForAll = await parts.health.refusesEverybody(.tenant(command.tenant), as: error)
            return isMeantForAll || isHeldRefusal(error, of: step) ? held(error) : result
        }
        if case .permanent = error.kind { return result }
        let judged = await parts.health.judged(
            error, of: step.isTransfer ? nil : step.dependencies(command.tenant).first)
        // Before the last try, too: an outage may be over by the time that the last answer is missed.
        let moment = parts.environment.moment()
        let isLast = machine.givesUp(on: judged, at: moment)
        guard isLast || machine.wouldGiveUp(afterAnother: judged, at: moment) else { return .failed(judged) }
        for dependency in step.dependencies(command.tenant)
        where await parts.health.isDown(dependency, because: .fault(judged)) {
            return .failed(StepError(.surroundings(dependency), judged.message, httpStatus: judged.httpStatus))
        }
        guard isLast else { return .failed(judged) }
        // A page that a gateway wrote is a refusal too, though it is doubted for a while.
        return isHeldRefusal(judged, of: step) ? held(judged) : .failed(judged)
    }

    private func isHeldRefusal(_ error: StepError, of step: RunStep) -> Bool {
        guard let stage = step.refusableStage, let status = error.httpStatus, status == 403 || status == 404 else {
            return false
        }
        return parts.health.holds(command, refused: Refusal(stage: stage, httpStatus: status), error)
    }

    private func held(_ error: StepError) -> RunResult {
        .failed(StepError(.surroundings(.tenant(command.tenant)), error.message, httpStatus: error.httpStatus))
    }
}

extension RunStep {
    /// What the step needs, in the order in which it is suspected.
    fileprivate func dependencies(_ tenant: String) -> [Dependency] {
        switch self {
        case .checkStatus, .trigger, .poll: [.tenant(tenant)]
        case .write, .abortUploads, .verify: [.objectStore]
        case .transfer: [.tenant(tenant), .objectStore]
        case .wait, .hold, .end: []
        }
    }

    /// Where the step stands in line.
    func line(_ tenant: String) -> CallGate.Line? {
        isTransfer ? .transfers : dependencies(tenant).first.map(CallGate.Line.calls)
    }

    fileprivate var isTransfer: Bool { if case .transfer = self { true } else { false } }

    /// The stage of a call by which a tenant can refuse a command.
    fileprivate var refusableStage: Stage? {
        switch self {
        case .checkStatus: .validate
        case .trigger: .trigger
        default: nil
        }
    }
}

extension StepError {
    /// An answer that ends the run or costs it its job, if it is meant for this command alone.
    fileprivate var isFinalAnswer: Bool {
        switch kind {
        case .permanent, .gone: httpStatus != nil
        default: false
        }
    }
}
