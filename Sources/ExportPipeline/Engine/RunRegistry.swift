// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The runs that are going on in this process, one for each command.
final class RunRegistry: Sendable {
    struct Entry: Sendable {
        let fingerprint: String
        let control: StopControl
        let task: Task<RunEnd, Never>
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// The run of `key`: the one going on, or the one that `start` begins.
    func join(_ key: String, start: () -> Entry) -> Entry {
        entries.withLock { entries in
            if let entry = entries[key] { return entry }
            let entry = start()
            entries[key] = entry
            return entry
        }
    }

    func contains(_ key: String) -> Bool { entries.withLock { $0[key] != nil } }

    func remove(_ key: String) { entries.withLock { _ = $0.removeValue(forKey: key) } }

    func stop(_ level: StopLevel) {
        for entry in entries.withLock({ Array($0.values) }) { entry.control.stop(level) }
    }
}
