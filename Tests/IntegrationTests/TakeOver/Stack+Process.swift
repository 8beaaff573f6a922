// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit

extension Stack {
    /// Runs a worker as a process of its own while `body` runs; one that is still there at the end is killed.
    func withProcess(
        overriding: [String: String] = [:], _ body: (ChildProcess) async throws -> Void
    ) async throws {
        let worker = try start(["run"], overriding: overriding)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(worker)) } catch { outcome = .failure(error) }
        worker.send(SIGKILL)
        _ = await worker.end()
        try outcome.get()
    }
}
