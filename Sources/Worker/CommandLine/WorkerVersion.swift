// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The version of the program.
package enum WorkerVersion {
    package static let text = "0.1.0"
}
