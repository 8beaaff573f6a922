// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// A tenant's export API: triggers are idempotent by the run id, jobs live and end on their own.
final class Tenant {
    struct Job {
        let job: ExportJob
        let command: Int
        let endsAt: Instant
        /// The tenant forgets it, or only its artifact, at that moment.
        var isLost = false
        var losesArtifactOnly = false
    }

    unowned let world: World
    private(set) var jobs: [String: Job] = [:]
    private var runOf: [String: String] = [:]

    init(_ world: World) { self.world = world }

    func status(of command: Int) -> Result<VersionStatus, StepError> {
        let plan = world.scenario.commands[command]
        if world.scopesLost.contains(plan.tenant) {
            return .failure(StepError(.permanent(.permissionDenied), "the scope is not granted", httpStatus: 403))
        }
        switch plan.ending {
        case .modelMissing where !world.isMended(command):
            return .failure(StepError(.permanent(.modelNotFound), "no such model", httpStatus: 404))
        case .notTrained where !world.isMended(command): return .success(.notTrained("FAILED"))
        default: return .success(world.clock.now < plan.trainedAt ? .trainingUnderWay("TRAINING") : .trained)
        }
    }

    func trigger(_ command: Int, runID: String, by process: Incarnation) -> ExportJob {
        world.checks.triggered(command, runID: runID, by: process)
        if let known = jobs[runID] { return known.job }
        let plan = world.scenario.commands[command]
        let number = world.nextNumber()
        var job = Job(
            job: ExportJob(jobID: "job\(number)", exportID: "export\(number)"), command: command,
            endsAt: world.clock.now + plan.jobDuration)
        let isLost = jobs.values.reduce(0) { $0 + ($1.command == command ? 1 : 0) } < plan.lostJobs
        job.losesArtifactOnly = isLost && world.random.chance(0.4)
        jobs[runID] = job
        runOf[job.job.jobID] = runID
        if isLost {
            world.after(world.random.magnitude(10 * .millisecond, plan.jobDuration + .second)) { [world] in
                self.jobs[runID]?.isLost = true
                world.note("job-lost", number, "tenant   forgets job\(number)")
            }
        }
        return job.job
    }

    func poll(_ asked: ExportJob) -> Result<JobStatus, StepError> {
        guard let runID = runOf[asked.jobID], let job = jobs[runID] else {
            return .failure(StepError(.gone, "job \(asked.jobID) was never heard of", httpStatus: 404))
        }
        if job.isLost, !job.losesArtifactOnly { return .failure(gone(runID, asked)) }
        guard world.clock.now >= job.endsAt else { return .success(.underWay(percent: 50)) }
        switch world.scenario.commands[job.command].ending {
        case .jobFails where !world.isMended(job.command): return .success(.failed(message: "the engine died"))
        case .unknownJobStatus where !world.isMended(job.command): return .success(.unknown("CONFUSED"))
        default: break
        }
        return .success(.completed(DownloadLink(url: "\(asked.jobID) \(world.clock.now)")))
    }

    /// The artifact behind a link: its content, which is the same for every link of a job.
    func download(_ link: DownloadLink) -> Result<String, StepError> {
        let parts = link.url.split(separator: " ")
        guard let name = parts.first, let runID = runOf[String(name)], let job = jobs[runID] else {
            return .failure(StepError(.linkExpired(notFound: true), "no such artifact", httpStatus: 404))
        }
        if job.isLost {
            world.checks.jobGone(runID)
            return .failure(StepError(.linkExpired(notFound: true), "no such artifact", httpStatus: 404))
        }
        if let made = parts.last.flatMap({ Instant($0) }), world.clock.now > made + .minute {
            return .failure(StepError(.linkExpired(notFound: false), "the link has expired", httpStatus: 403))
        }
        return .success("content of \(job.job.exportID)")
    }

    private func gone(_ runID: String, _ job: ExportJob) -> StepError {
        world.checks.jobGone(runID)
        return StepError(.gone, "job \(job.jobID) is gone", httpStatus: 404)
    }
}

/// The exchange that events go to.
final class Exchange {
    unowned let world: World
    /// The body of each event by its id, and how often it came.
    private(set) var events: [String: (body: [UInt8], count: Int)] = [:]

    init(_ world: World) { self.world = world }

    func publish(_ event: ExportEvent, by process: Incarnation) {
        let known = events[event.id]
        events[event.id] = (known?.body ?? event.body, (known?.count ?? 0) + 1)
        world.checks.announced(event, known: known?.body, by: process)
    }
}
