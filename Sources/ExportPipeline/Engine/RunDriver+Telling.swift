// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

// MARK: What observers are told

extension RunDriver {
    @inline(never)
    func tellStage(_ course: RunCourse) {
        let stage = course.machine.stage
        guard course.isStartTold, stage != course.toldStage else { return }
        course.toldStage = stage
        note(.stageBegan(stage), course.machine)
    }

    /// The first checkpoint written is the start.
    func tellStart(_ course: RunCourse, _ result: RunResult) {
        guard !course.isStartTold, case .written = result, case .write(let first) = course.step else { return }
        course.isStartTold = true
        let previous = course.previousOwner == settings.instance ? nil : course.previousOwner
        note(.runStarted(first, takenOverFrom: previous), course.machine)
    }

    @inline(never)
    func tellEnd(_ end: RunEnd, _ course: RunCourse) { note(.runEnded(end), course.machine) }

    func subject(_ machine: RunMachine) -> PipelineSubject {
        PipelineSubject(command, runID: machine.checkpoint?.runID)
    }

    private func note(_ event: PipelineEvent, _ machine: RunMachine) {
        parts.observer.note(event, of: subject(machine))
    }

    func tell(_ result: RunResult, _ course: RunCourse) {
        let machine = course.machine
        switch result {
        case .triggered(let job): note(.jobTriggered(job), machine)
        case .polled(.underWay(let percent)): note(.progressed(percent: percent, bytes: nil, total: nil), machine)
        case .stored(let artifact): note(.stored(artifact), machine)
        default: break
        }
        let error = if case .failed(let error) = result { error } else { StepError?.none }
        switch course.step {
        case .hold(let dependency): note(.held(dependency, because: error), machine)
        case .wait(let duration, let reason) where reason != .polling:
            note(.waiting(duration, reason: reason.rawValue, because: error), machine)
        default: break
        }
    }
}
