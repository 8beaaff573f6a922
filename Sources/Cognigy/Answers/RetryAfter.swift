// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// Reads how long a server asks to be left alone (RFC 9110 §10.2.3).
enum RetryAfter {
    /// The longest wait that is honoured.
    static let maximum: Duration = .seconds(300)

    /// The wait an answer asks for, at most `maximum`; nil where it asks for none or in no known form.
    ///
    /// A date is compared with the answer's own `Date` where it has one, because the clocks of two hosts differ, and
    /// else with `wallSeconds`. A date that is past means no wait.
    static func wait(in headers: HTTPHeaders, wallSeconds: Int64) -> Duration? {
        guard let text = headers["Retry-After"].map(trimmed), !text.isEmpty else { return nil }
        if text.utf8.allSatisfy({ (48...57).contains($0) }) {
            // More digits than fit are more than the maximum, too.
            return min(maximum, Int64(text).map { .seconds(min($0, 86_400)) } ?? maximum)
        }
        guard let date = HTTPDate.seconds(text, now: wallSeconds) else { return nil }
        let sent = headers["Date"].flatMap { HTTPDate.seconds(trimmed($0), now: wallSeconds) } ?? wallSeconds
        return min(maximum, max(.zero, .seconds(date - sent)))
    }

    private static func trimmed(_ text: String) -> String {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let kept = text.utf8.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
        return String(decoding: Array(kept), as: UTF8.self)
    }
}
