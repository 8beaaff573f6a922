// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import UnixSignals

/// Runs `body` and lets go of what the pipeline does when SIGINT or SIGTERM comes: the run is released and can be
/// continued by whoever asks for the same command next.
func withSignalHandling<Value: Sendable>(
    _ pipeline: Pipeline, _ body: @escaping @Sendable () async -> Value
) async -> Value {
    let watcher = Task {
        for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { pipeline.stop(.hard) }
    }
    defer { watcher.cancel() }
    return await body()
}
