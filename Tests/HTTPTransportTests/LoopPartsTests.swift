// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Logging
import TestKit
import Testing

@testable import HTTPTransport

@Suite struct LoopPartsTests {
    @Test func theHeapYieldsInOrderOfTime() {
        var heap = DeadlineHeap<Int>()
        for index in 0..<1000 { heap.insert(index * 7919 % 1000, at: UInt64(index * 7919 % 1000)) }
        #expect(heap.next == 0)
        #expect(due(&heap, 0) == 0)
        #expect(due(&heap, 0) == nil)
        var seen: [Int] = []
        while let element = heap.popDue(now: 998) { seen.append(element) }
        #expect(seen == Array(1...998))
        #expect(heap.next == 999)
    }

    @Test func theGateKeepsOrderAndLimits() {
        var gate = AdmissionGate<String, Int>(perKey: 2, total: 3)
        let first = [
            gate.enter(1, key: "a"), gate.enter(2, key: "a"), gate.enter(3, key: "a"), gate.enter(4, key: "a"),
        ]
        #expect(first == [true, true, false, false])
        let second = [
            gate.nextReady() == nil, gate.enter(5, key: "b"), gate.enter(6, key: "b"), gate.nextReady() == nil,
        ]
        #expect(second == [true, true, false, true])
        gate.leave(key: "a")
        #expect(next(&gate) == 6)
        #expect(next(&gate) == nil)
        gate.leave(key: "b")
        #expect(next(&gate) == 3)
        gate.leave(key: "a")
        #expect(next(&gate) == 4)
        for key in ["a", "a", "b"] { gate.leave(key: key) }
        #expect(gate.isEmpty)
    }

    @Test func aPingMakesAnIdleLoopTurn() async throws {
        let client = HTTPClient(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        for _ in 0..<3 {
            let before = try #require(client.turns)
            while client.turns == before {
                client.ping()
                await Task.yield()
            }
        }
        await client.shutdown()
        #expect(client.turns == nil)
        client.ping()
    }

    /// Any order of entering and leaving: nobody is lost, no limit is passed, each key keeps its order.
    @Test(arguments: 0..<20) func theGateLosesNobody(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed) + 1)
        var gate = AdmissionGate<Int, (key: Int, number: Int)>(perKey: 3, total: 5)
        var running: [(key: Int, number: Int)] = []
        var admitted: [Int: [Int]] = [:]
        func admit(_ element: (key: Int, number: Int)) {
            running.append(element)
            admitted[element.key, default: []].append(element.number)
            #expect(running.count <= 5)
            #expect(running.filter { $0.key == element.key }.count <= 3)
        }
        for number in 0..<500 {
            let key = Int.random(in: 0..<4, using: &random)
            if gate.enter((key, number), key: key) { admit((key, number)) }
            while !running.isEmpty, Bool.random(using: &random) {
                gate.leave(key: running.remove(at: Int.random(in: 0..<running.count, using: &random)).key)
                while let next = gate.nextReady() { admit(next) }
            }
        }
        while !running.isEmpty {
            gate.leave(key: running.removeFirst().key)
            while let next = gate.nextReady() { admit(next) }
        }
        #expect(gate.isEmpty)
        #expect(admitted.values.map(\.count).reduce(0, +) == 500)
        for numbers in admitted.values { #expect(numbers == numbers.sorted()) }
    }

    @Test func headsAreReadLineByLine() {
        var parser = HeadParser()
        for line in [
            "HTTP/1.1 100 Continue", "", "HTTP/1.1 206 Partial", "A: 1", " folded", "B:2  ", "Content-Length: 7",
        ] {
            let event = parser.consume(Array("\(line)\r\n".utf8))
            #expect(event == .more)
        }
        let last = parser.consume([13, 10])
        #expect(last == .complete)
        #expect(parser.head.status == 206)
        #expect(parser.head.headers["a"] == "1 folded")
        #expect(parser.head.headers["b"] == "2")
        #expect(parser.head.contentLength == 7)
    }

    @Test(arguments: [
        ["X: 1"], [""], ["HTTP/1.1 20 OK"], ["HTTP/1.1 200 OK", "Content-Length: -1", ""],
        ["HTTP/1.1 200 OK", "Content-Length: 1", "content-length: 2", ""],
        ["HTTP/1.1 200 OK", "X: " + String(repeating: "x", count: 300_000)],
    ]) func headsThatAreNone(lines: [String]) {
        var parser = HeadParser()
        let events = lines.map { parser.consume(Array("\($0)\r\n".utf8)) }
        guard case .malformed? = events.last else {
            Issue.record("taken: \(lines)")
            return
        }
    }

    @Test func proxiesFollowTheUsualVariables() throws {
        let environment = [
            "http_proxy": "http://p:1", "HTTPS_PROXY": "http://p:2",
            "no_proxy": ".inner.example, 10.0.0.0/8 ::1 Exact.",
        ]
        let proxies = ProxyEnvironment { environment[$0] }
        func proxy(_ url: String) throws -> String? { proxies.proxy(for: try WebURL(url)) }
        #expect(try proxy("http://outer.example/") == "http://p:1")
        #expect(try proxy("https://outer.example/") == "http://p:2")
        for host in ["inner.example", "a.INNER.example", "10.1.2.3", "[::1]", "exact", "a.exact."] {
            #expect(try proxy("http://\(host)/") == nil)
        }
        for host in ["notinner.example", "11.1.2.3", "[::2]", "inexact"] {
            #expect(try proxy("http://\(host)/") != nil)
        }
        #expect(ProxyEnvironment { ["HTTP_PROXY": "x"][$0] }.proxy(for: try WebURL("http://h/")) == nil)
        #expect(
            ProxyEnvironment { ["all_proxy": "x", "NO_PROXY": "*"][$0] }.proxy(for: try WebURL("http://h/")) == nil)
        #expect(ProxyEnvironment { ["ALL_PROXY": "x"][$0] }.proxy(for: try WebURL("http://h/")) == "x")
    }
}

// `#expect` takes no mutating calls.
private func next(_ gate: inout AdmissionGate<String, Int>) -> Int? { gate.nextReady() }

private func due(_ heap: inout DeadlineHeap<Int>, _ now: UInt64) -> Int? { heap.popDue(now: now) }
