// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Transfer {
    /// What is due when, besides what libcurl measures itself (connecting; the whole of an exchange).
    enum Deadline {
        /// The head of a streamed answer.
        case head(UInt64)
        /// Bytes of a streamed answer, while somebody waits for them.
        case body(UInt64)
        /// Progress in sending a large body.
        case sending(UInt64)

        var time: UInt64 {
            switch self {
            case .head(let time), .body(let time), .sending(let time): time
            }
        }
    }

    /// Bodies from this size on are watched while they are sent; smaller ones are covered by the whole's time-out.
    static let watchedBodyBytes = 1 << 20

    /// The next thing due, `nil` while nothing is: a paused transfer can't stall.
    var deadline: Deadline? {
        guard phase == .active else { return nil }
        guard plan.isStreamed else {
            return isSendingWatched ? .sending(progressAt &+ plan.timeouts.stall.nanoseconds) : nil
        }
        if !parser.isComplete { return .head(startedAt &+ plan.timeouts.response.nanoseconds) }
        return fillWaiter == nil ? nil : .body(progressAt &+ plan.timeouts.stall.nanoseconds)
    }

    private var isSendingWatched: Bool {
        plan.body.count >= Self.watchedBodyBytes && progressMark < Int64(plan.body.count)
    }

    /// The error for a deadline that has passed.
    func overdue(_ deadline: Deadline) -> HTTPError {
        switch deadline {
        case .head: error(.timeout, "no answer began within \(plan.timeouts.response)")
        case .body: error(.stalled, "no byte came for \(plan.timeouts.stall)")
        case .sending: error(.stalled, "no byte could be sent for \(plan.timeouts.stall)")
        }
    }
}

extension Duration {
    /// Whole nanoseconds, not negative, at most 100 years.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds < 3_155_760_000 else { return 3_155_760_000 * 1_000_000_000 }
        return UInt64(max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }

    /// Whole milliseconds for libcurl, at least 1 (0 means "default" to it).
    var milliseconds: Int { max(1, Int(min(nanoseconds / 1_000_000, 2_000_000_000))) }
}
