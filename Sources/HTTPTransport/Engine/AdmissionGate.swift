// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import DequeModule

/// Who may run: at most so many at once for each key and in all; the others wait in order.
///
/// libcurl has such limits too, but measures the waiting as part of the transfer's time-outs and walks over the waiting
/// handles at every turn of its loop. Here waiting costs nothing and no time-out has begun.
struct AdmissionGate<Key: Hashable, Element> {
    private let perKey: Int
    private let total: Int
    private var running: [Key: Int] = [:]
    private var runningTotal = 0
    private var waiting: [Key: Deque<Element>] = [:]
    /// Keys that have somebody waiting and a free place of their own, in the order they take the places in all.
    private var turns: Deque<Key> = []

    init(perKey: Int, total: Int) {
        self.perKey = perKey
        self.total = total
    }

    /// Lets an element in (`true`: run it now) or puts it behind those waiting.
    mutating func enter(_ element: Element, key: Key) -> Bool {
        let count = running[key, default: 0]
        if count < perKey, runningTotal < total, waiting[key] == nil {
            running[key] = count + 1
            runningTotal += 1
            return true
        }
        waiting[key, default: []].append(element)
        if waiting[key]?.count == 1, count < perKey { turns.append(key) }
        return false
    }

    /// Gives a place back; run the next elements with `nextReady()`.
    mutating func leave(key: Key) {
        guard let count = running[key] else { return }
        running[key] = count == 1 ? nil : count - 1
        runningTotal -= 1
        if count == perKey, waiting[key] != nil { turns.append(key) }
    }

    /// The next waiting element that has a place now; it counts as running from here on.
    mutating func nextReady() -> Element? {
        guard runningTotal < total, let key = turns.popFirst(), var queue = waiting[key] else { return nil }
        waiting[key] = nil
        guard let element = queue.popFirst() else { return nil }
        let count = running[key, default: 0] + 1
        running[key] = count
        runningTotal += 1
        if !queue.isEmpty {
            waiting[key] = queue
            if count < perKey { turns.append(key) }
        }
        return element
    }

    /// Whether anybody waits or runs.
    var isEmpty: Bool { runningTotal == 0 && waiting.isEmpty }
}
