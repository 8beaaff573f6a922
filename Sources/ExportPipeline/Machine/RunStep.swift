// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How a run begins.
package indirect enum RunStart: Sendable, Hashable {
    /// Nothing is recorded about the command yet.
    case claim
    /// The recorded run is undecided and its owner is gone, released it, or was this process itself.
    case takeOver(Checkpoint)
    /// The recorded run is decided and its outcome no longer serves (a replay, or an object that vanished).
    case newRun(Checkpoint)

    /// The checkpoint the first write of the run replaces, if any.
    package var base: Checkpoint? {
        switch self {
        case .claim: nil
        case .takeOver(let checkpoint), .newRun(let checkpoint): checkpoint
        }
    }
}

/// Why a run waits, for logs and for what may interrupt it.
package enum WaitReason: String, Sendable, Hashable {
    case training, polling, throttled, retry
}

/// The one thing a run has to do next.
package indirect enum RunStep: Sendable, Hashable {
    /// Write this checkpoint under the condition that the last one written (or looked at) is still there.
    case write(Checkpoint)
    /// Abort what an earlier owner may have left of an upload of this job's artifact.
    case abortUploads(ExportJob, recorded: Checkpoint.Upload?)
    case checkStatus
    case trigger(runID: String)
    case poll(ExportJob)
    case transfer(DownloadLink, ExportJob)
    case verify(StoredArtifact)
    case wait(Duration, WaitReason)
    /// Wait until the dependency serves again; neither attempts nor deadlines run meanwhile.
    case hold(Dependency)
    case end(RunEnd)

    /// From which level on the step is cut short: nothing is lost by not finishing it.
    var cutShortAt: StopLevel {
        switch self {
        // While the store is out of order nothing can be released in it: better to have the run wait here.
        case .hold(.objectStore): .soft
        case .hold: .yielding
        case .wait, .checkStatus, .poll: .soft
        case .write, .abortUploads, .trigger, .transfer, .verify, .end: .hard
        }
    }

    /// Whether the worker, once it was told to let go, still begins this.
    package var isBegunWhileDraining: Bool {
        switch self {
        case .write, .verify, .end: true
        case .wait, .hold, .checkStatus, .poll, .abortUploads, .trigger, .transfer: false
        }
    }
}

/// What came of a step.
package indirect enum RunResult: Sendable, Hashable {
    case written
    case aborted
    case status(VersionStatus)
    case triggered(ExportJob)
    case polled(JobStatus)
    case stored(StoredArtifact)
    case verified(ArtifactVerification)
    case waited
    case failed(StepError)
    /// The step was not finished (or not begun) because the worker lets go.
    case interrupted
}

/// How a run ended in this process.
package indirect enum RunEnd: Sendable, Hashable {
    /// The outcome is frozen; every holder of a delivery finishes from it.
    case decided(Checkpoint)
    /// Another owner has the run: look at it again.
    case overtaken
    /// The run was let go undecided; whoever sees the command next continues it.
    case released
}
