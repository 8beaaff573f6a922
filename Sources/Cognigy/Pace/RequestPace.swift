// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// When the calls of one tenant may be sent: a pure account of time, driven by whoever has a clock.
///
/// Two rules hold together. After a 429 nothing is sent before an instant that all calls share. With a pace of so many
/// requests a minute, calls get slots that lie so far apart (a token bucket that holds one second's worth).
package struct RequestPace: Sendable, Hashable {
    /// A place in the order of calls.
    package struct Slot: Sendable, Hashable {
        /// When the call may be sent.
        package let instant: Duration
        /// The hold the slot was given under; a later hold makes it void.
        let hold: Int
    }

    /// The back-off after a 429 that names no wait.
    static let initialBackoff: Duration = .seconds(2)
    static let maximumBackoff: Duration = .seconds(30)
    /// The calls held back by a 429 go out over a quarter of the hold and at most this long, not all at once.
    static let maximumSpread: Duration = .seconds(5)

    private let interval: Duration
    private let tolerance: Duration
    private var nextSlot: Duration = .zero
    private var notBefore: Duration = .zero
    private var spread: Duration = .zero
    private var hold = 0
    private var held = 0
    private var throttles = 0
    private var lastThrottle: Duration?

    /// A pace of at most `perMinute` requests; nil for no pace of its own.
    package init(perMinute: Int? = nil) {
        interval = perMinute.map { .seconds(60) / max(1, $0) } ?? .zero
        tolerance = max(.zero, .seconds(1) - interval)
    }

    /// Gives a call its place.
    package mutating func reserve(at now: Duration) -> Slot {
        if interval > .zero {
            let instant = max(now, notBefore, nextSlot - tolerance)
            nextSlot = max(nextSlot, instant) + interval
            return Slot(instant: instant, hold: hold)
        }
        guard now < notBefore else { return Slot(instant: now, hold: hold) }
        held += 1
        return Slot(instant: notBefore + spread * Self.evenlySpread(held), hold: hold)
    }

    /// Whether a call may be sent now in its slot; where a 429 has come since it was given, it gets another.
    package mutating func confirm(_ slot: Slot, at now: Duration) -> Slot? {
        guard slot.hold == hold else { return reserve(at: now) }
        return slot.instant <= now ? nil : slot
    }

    /// A call sent at `sentAt` was answered with 429.
    ///
    /// Without a wait named by the server the back-off doubles, but only for calls that were sent after the last 429:
    /// many answers to one burst are one refusal.
    package mutating func throttled(retryAfter: Duration?, sentAt: Duration, now: Duration) {
        if lastThrottle.map({ sentAt > $0 }) ?? true { throttles += 1 }
        lastThrottle = now
        let doubled = Self.initialBackoff * (1 << min(max(throttles, 1) - 1, 8))
        let wait = min(RetryAfter.maximum, retryAfter ?? min(doubled, Self.maximumBackoff))
        let until = now + wait
        guard until > notBefore else { return }
        notBefore = until
        nextSlot = until + tolerance
        spread = min(Self.maximumSpread, wait / 4)
        hold += 1
        held = 0
    }

    /// A call sent at `sentAt` was answered with something else than 429.
    package mutating func answered(sentAt: Duration) {
        if let last = lastThrottle, sentAt > last { throttles = 0 }
    }

    /// A sequence in 0..<1 whose members lie evenly, however many there are (multiples of the golden ratio).
    private static func evenlySpread(_ index: Int) -> Double {
        let product = Double(index) * 0.618_033_988_749_894_9
        return product - product.rounded(.down)
    }
}
