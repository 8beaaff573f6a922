// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Runs `body` to its end even where the task that asks is cancelled meanwhile: for what must not be torn in two.
package func uncut<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () async throws(Failure) -> Value
) async throws(Failure) -> Value {
    let task = Task { () -> Result<Value, Failure> in
        do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
    }
    return try await task.value.get()
}
