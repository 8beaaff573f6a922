// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The wall clock.
enum SystemTime {
    static var secondsSince1970: Int64 { Int64(Date().timeIntervalSince1970) }
}
