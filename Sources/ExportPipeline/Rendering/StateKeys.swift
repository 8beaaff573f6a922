// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Where checkpoints and leases lie in the bucket.
///
/// A tenant never meets the worker's own folders `_invalid`, `_workers` and `_control`: a leading underscore of a
/// tenant is written `%5F`, and a tenant that begins with a percent sign has it encoded as `%25`.
package struct StateKeys: Sendable, Hashable {
    /// Ends in `/`.
    package let prefix: String

    /// Adds the slash at the end of `prefix` where it is missing.
    package init(prefix: String = "state/") {
        self.prefix = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
    }

    /// The checkpoint of a command: `state/<tenant>/<command>.json`.
    package func checkpoint(tenant: String, commandID: String) -> String {
        "\(prefix)\(Self.folder(tenant))/\(PercentEncoding.encode(commandID)).json"
    }

    /// The checkpoint of a message that never became a run: `state/_invalid/<digest>.json`.
    package func invalid(digest: String) -> String { "\(prefix)_invalid/\(PercentEncoding.encode(digest)).json" }

    /// The lease of a worker process: `state/_workers/<instance>.json`.
    package func worker(instance: String) -> String { "\(workers)\(PercentEncoding.encode(instance)).json" }

    /// An object that a process writes and deletes to see whether the store takes writes.
    package func probe(instance: String) -> String { "\(workers)\(PercentEncoding.encode(instance)).probe" }

    /// The folder of all leases, with its slash.
    package var workers: String { "\(prefix)_workers/" }

    /// What operators have paused, for the whole fleet: `state/_control/pause.json`.
    package var pauseOrders: String { "\(prefix)_control/pause.json" }

    private static func folder(_ tenant: String) -> String {
        let encoded = PercentEncoding.encode(tenant)
        return encoded.hasPrefix("_") ? "%5F" + encoded.dropFirst() : encoded
    }
}
