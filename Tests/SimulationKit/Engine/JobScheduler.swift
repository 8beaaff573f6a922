// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Runs every job of Swift concurrency that comes up on its thread on that very thread, in an order that chance decides.
///
/// Unstructured tasks inherit no executor, so the only place where all of them come by is the runtime's own hook for the
/// global executor (`swift_task_enqueueGlobal_hook`). It is process-wide; what is enqueued by a thread that runs no
/// simulation goes where it would have gone without. A simulation enqueues from its own thread alone, as all its
/// continuations are resumed there, so several can run side by side on threads of their own.
final class JobScheduler {
    private typealias Enqueue = @convention(thin) (UnownedJob) -> Void
    private typealias Hook = @convention(thin) (UnownedJob, Enqueue) -> Void
    private typealias DelayedEnqueue = @convention(thin) (UInt64, UnownedJob) -> Void
    private typealias DelayHook = @convention(thin) (UInt64, UnownedJob, DelayedEnqueue) -> Void

    private var ready: [UnownedJob] = []
    private(set) var ran = 0
    /// Something slept on the real clock, which no simulation can allow.
    private(set) var usedRealClock = false

    /// Whatever is enqueued on this thread while `body` runs belongs to this scheduler.
    func withThread(_ body: () -> Void) {
        Self.installHooks
        unsafe pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
        body()
        pthread_setspecific(Self.key, nil)
    }

    /// Takes one of the jobs that are ready, whichever chance picks; nil where there is none.
    func take(_ random: inout SeededRandom) -> UnownedJob? {
        guard !ready.isEmpty else { return nil }
        ready.swapAt(random.below(ready.count), ready.count - 1)
        return ready.removeLast()
    }

    /// Runs a job up to where it waits.
    func run(_ job: UnownedJob) {
        ran += 1
        unsafe job.runSynchronously(on: Self.noExecutor)
    }

    // MARK: The hooks

    /// The serial executor of code that is on none: what the global executor's own threads run jobs with.
    private static let noExecutor = unsafe unsafeBitCast((UInt(0), UInt(0)), to: UnownedSerialExecutor.self)

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key, nil)
        return key
    }()

    /// The scheduler of the calling thread.
    private static var current: JobScheduler? {
        guard let pointer = unsafe pthread_getspecific(key) else { return nil }
        return unsafe Unmanaged<JobScheduler>.fromOpaque(pointer).takeUnretainedValue()
    }

    private static let installHooks: Void = {
        let library = unsafe dlopen(nil, RTLD_NOW)
        guard let enqueue = unsafe dlsym(library, "swift_task_enqueueGlobal_hook"),
            let delayed = unsafe dlsym(library, "swift_task_enqueueGlobalWithDelay_hook")
        else { preconditionFailure("this Swift runtime has no hook for the global executor") }
        unsafe enqueue.assumingMemoryBound(to: Hook?.self).pointee = { job, original in
            guard let scheduler = JobScheduler.current else { return original(job) }
            scheduler.ready.append(job)
        }
        unsafe delayed.assumingMemoryBound(to: DelayHook?.self).pointee = { delay, job, original in
            guard let scheduler = JobScheduler.current else { return original(delay, job) }
            scheduler.usedRealClock = true
            scheduler.ready.append(job)
        }
    }()
}
