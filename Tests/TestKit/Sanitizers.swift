// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The sanitizer this program was built with and is watched by, where `ops/sanitize` started it.
package enum Sanitizers {
    /// What tells a sanitizer how to report, which every program that is started needs too.
    package static let environment: [String: String] = {
        let own = ProcessInfo.processInfo.environment
        guard own["ASAN_OPTIONS"] != nil || own["TSAN_OPTIONS"] != nil else { return [:] }
        let names = ["ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "LD_PRELOAD", "SWIFT_BACKTRACE"]
        return own.filter { names.contains($0.key) }
    }()

    /// Whether memory and time say nothing, because a sanitizer takes some of both.
    package static var areAtWork: Bool { !environment.isEmpty }
}
