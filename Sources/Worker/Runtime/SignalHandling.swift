// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import ExportPipeline
internal import Glibc
internal import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Watches SIGTERM and SIGINT: the first asks for an end in good order, the second, of either kind, ends at once.
///
/// On a queue of its own, so that the second is heard even when nothing else in the process moves.
final class EndingSignals: Sendable {
    private let logger: Logger
    private let onFirst: @Sendable () -> Void
    private let count = Atomic<Int>(0)
    private let sources = Mutex<[Source]>([])

    /// Dispatch's objects may be used on any thread, though their protocols do not say so.
    private struct Source: @unchecked Sendable {
        let source: any DispatchSourceSignal
    }

    init(logger: Logger, onFirst: @escaping @Sendable () -> Void = {}) {
        self.logger = logger
        self.onFirst = onFirst
    }

    /// Begins to watch, for as long as this object lives; when it returns no signal is missed any more.
    func watch() async {
        let queue = DispatchQueue(label: "ending-signals", qos: .userInteractive)
        for signal in [SIGTERM, SIGINT] {
            let source = DispatchSource.makeSignalSource(signal: signal, queue: queue)
            let held = Source(source: source)
            sources.withLock { $0.append(held) }
            source.setEventHandler { [weak self] in self?.caught(signal) }
            await withCheckedContinuation { continuation in
                source.setRegistrationHandler { continuation.resume() }
                source.resume()
            }
        }
    }

    deinit {
        for held in sources.withLock({ $0 }) { held.source.cancel() }
    }

    private func caught(_ signal: Int32) {
        let name = signal == SIGTERM ? "SIGTERM" : "SIGINT"
        guard count.add(1, ordering: .relaxed).newValue > 1 else {
            logger.notice(
                "ending in good order; another signal ends at once", metadata: ["signal": "\(name)"])
            return onFirst()
        }
        LastWords.endProcess(with: 128 + signal) { [logger] in
            logger.warning("ending at once, at the second signal", metadata: ["signal": "\(name)"])
        }
    }
}

/// Ends the process at the second signal while the group drains after the first, which the group follows by itself.
struct SecondSignalService: Service {
    let logger: Logger

    func run() async throws {
        let signals = EndingSignals(logger: logger)
        await signals.watch()
        // The first service of a group is the last to be told.
        do { try await gracefulShutdown() } catch {}
        withExtendedLifetime(signals) {}
    }
}

/// Runs `body` and calls `onFirst` when SIGINT or SIGTERM comes; a second signal ends the process at once.
func withSignalHandling<Value: Sendable>(
    logger: Logger, onFirst: @escaping @Sendable () -> Void, _ body: () async throws -> Value
) async rethrows -> Value {
    let signals = EndingSignals(logger: logger, onFirst: onFirst)
    await signals.watch()
    defer { withExtendedLifetime(signals) {} }
    return try await body()
}

/// Runs `body` and lets go of what the pipeline does when a signal comes: the run is released and can be continued by
/// whoever asks for the same command next.
func withSignalHandling<Value: Sendable>(
    _ pipeline: Pipeline, _ body: @escaping @Sendable () async -> Value
) async -> Value {
    await withSignalHandling(logger: Logger(label: "export"), onFirst: { pipeline.stop(.hard) }, body)
}
