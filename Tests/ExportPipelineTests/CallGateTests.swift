// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestKit
import Testing

@testable import ExportPipeline

@Suite struct CallGateTests {
    @Test func letsInAsManyAsItsLimitAndTheOthersInOrder() async {
        let gate = CallGate(limit: 2)
        let came = Watched<[Int]>([])
        #expect(await gate.enter(.transfers))
        #expect(await gate.enter(.transfers))
        var waiting: [Task<Void, Never>] = []
        for number in 0..<200 {
            waiting.append(
                Task {
                    guard await gate.enter(.transfers) else { return }
                    came.update { $0.append(number) }
                })
            // One after the other, so that their order is known.
            while gate.waiting(.transfers) <= number { await Task.yield() }
        }
        #expect(came.value == [])
        for number in 0..<200 {
            gate.leave(.transfers)
            #expect(await came.wait { $0.count == number + 1 })
        }
        #expect(came.value == Array(0..<200))
    }

    @Test func linesDoNotWaitForEachOther() async {
        let gate = CallGate(limit: 1)
        #expect(await gate.enter(.calls(.tenant("a"))))
        #expect(await gate.enter(.calls(.tenant("b"))))
        #expect(await gate.enter(.calls(.objectStore)))
    }

    @Test func aCancelledWaiterHasNoTurnAndHoldsNobodyUp() async {
        let gate = CallGate(limit: 1)
        #expect(await gate.enter(.transfers))
        let first = Task { await gate.enter(.transfers) }
        while gate.waiting(.transfers) < 1 { await Task.yield() }
        let second = Task { await gate.enter(.transfers) }
        while gate.waiting(.transfers) < 2 { await Task.yield() }
        first.cancel()
        #expect(await first.value == false)
        gate.leave(.transfers)
        #expect(await second.value)
        gate.leave(.transfers)
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return await gate.enter(.transfers)
        }
        late.cancel()
        #expect(await late.value == false)
        #expect(await gate.enter(.transfers))
    }
}
