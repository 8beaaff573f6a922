// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CProcess
internal import ExportPipeline
internal import ServiceLifecycle

/// Gives the memory back that only the start needed: pages of the program, read to parse options and settings and to
/// register types, and never again. They are half of what an idle worker would seem to take.
struct StartMemoryService: Service {
    let environment: any PipelineEnvironment

    /// By then a worker that meets no trouble consumes.
    private static let delay = Duration.seconds(2)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            do { try await environment.sleep(Self.delay) } catch { return }
            StartMemory.release()
        }
        try? await gracefulShutdown()
    }
}

/// The program's own pages in memory.
package enum StartMemory {
    /// Unmaps what is clean; what is used again comes back from the page cache, 64 KiB at a time.
    package static func release() { cprocess_release_clean_pages() }
}
