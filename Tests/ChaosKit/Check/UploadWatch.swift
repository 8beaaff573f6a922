// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import ObjectStore
internal import Synchronization

/// Looks at the checkpoints of large artifacts while the run goes on, and keeps every upload id it sees there.
///
/// What was once written down can be aborted by whoever comes next, and must be. An upload that is open in the end and
/// was never written down was begun by an owner who could not do so any more: nobody can know of it but the bucket.
final class UploadWatch: Sendable {
    private let store: S3Client
    private let keys: [String]
    private let found = Mutex<Set<String>>([])

    init(store: S3Client, commands: [PlannedCommand]) {
        self.store = store
        keys = commands.filter { $0.size > 5 << 20 }.map { "state/default/\($0.id).json" }
    }

    /// The ids seen so far.
    var ids: Set<String> { found.withLock { $0 } }

    /// Looks until the task is cancelled; what cannot be read is looked at the next time.
    func run() async {
        var left = keys
        while !left.isEmpty, (try? await Task.sleep(for: .milliseconds(200))) != nil {
            for key in left {
                guard let bytes = try? await store.get(key, maximumBytes: 1 << 20).bytes,
                    let checkpoint = try? JSONDecoder().decode(Evidence.Checkpoint.self, from: Data(bytes))
                else { continue }
                if let id = checkpoint.upload?.uploadId { found.withLock { _ = $0.insert(id) } }
                if checkpoint.stage == "decided" { left.removeAll { $0 == key } }
            }
        }
    }
}
