// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import ExportPipeline

@Suite struct PauseWatchTests {
    /// What a watch told its worker.
    private final class Told: Sendable {
        let orders = Mutex<[PauseOrders]>([])
        let resumed = Mutex<[Set<String>]>([])
        let troubles = Mutex<[String?]>([])
    }

    private let store = DocumentStore()
    private let told = Told()

    private func watch(_ time: ScriptedTime = ScriptedTime()) -> PauseWatch {
        PauseWatch(
            store: store, key: "pause.json", period: .seconds(15), environment: time,
            apply: { [told] orders, resumed in
                told.orders.withLock { $0.append(orders) }
                told.resumed.withLock { $0.append(resumed) }
            }, onTrouble: { [told] trouble in told.troubles.withLock { $0.append(trouble) } })
    }

    private func put(_ edit: (inout PauseOrders) -> Void) throws {
        var orders = try store.document.map { try PauseOrdersCodec.decode($0) } ?? PauseOrders()
        edit(&orders)
        store.put(try PauseOrdersCodec.encode(orders))
    }

    private var applied: [[String]] {
        told.orders.withLock { all in
            all.map { ($0.everything == nil ? [] : ["*"]) + $0.tenants.keys.sorted() }
        }
    }

    private var troubles: [Bool] { told.troubles.withLock { $0.map { $0 != nil } } }

    @Test func followsEveryChangeOnceWithinThePeriod() async throws {
        let order = PauseOrdersTests.order
        let time = ScriptedTime { [store] count, duration throws(CancellationError) in
            #expect(duration == .seconds(15))
            var orders = PauseOrders()
            switch count {
            case 2, 3: orders.pause("acme", order)
            case 5: orders.pause(nil, order)
            case 6: store.put(nil)
            case 7...: throw CancellationError()
            default: break
            }
            // The third write says what the second said.
            guard [2, 3, 5].contains(count) else { return }
            do { store.put(try PauseOrdersCodec.encode(orders)) } catch { Issue.record(error) }
        }
        let watch = watch(time)
        await watch.run()
        #expect(applied == [[], ["acme"], ["*"], []])
        #expect(store.reads == 7 && troubles == [])
    }

    @Test func ordersThatAreThereAlreadyHoldFromTheStart() async throws {
        try put { $0.pause(nil, PauseOrdersTests.order) }
        let watch = watch()
        await watch.look()
        #expect(applied == [["*"]])
    }

    @Test func aResumptionIsToldOnce() async throws {
        try put { $0.resume("past", PauseOrdersTests.mark("n-0")) }
        let watch = watch()
        await watch.look()
        try put { $0.resume("acme", PauseOrdersTests.mark("n-1")) }
        await watch.look()
        await watch.look()
        try put { $0.pause("other", PauseOrdersTests.order) }
        await watch.look()
        try put { $0.resume("acme", PauseOrdersTests.mark("n-2")) }
        await watch.look()
        #expect(told.resumed.withLock { $0 } == [[], ["acme"], [], ["acme"]])
    }

    @Test func aStoreThatFailsChangesNothingAndIsToldOnce() async throws {
        try put { $0.pause("acme", PauseOrdersTests.order) }
        let watch = watch()
        await watch.look()
        for number in 0..<3 {
            store.failReads(StepError(.surroundings(.objectStore), "request \(number) failed"))
            await watch.look()
        }
        #expect(applied == [["acme"]] && troubles == [true])
        store.failReads(nil)
        await watch.look()
        #expect(applied == [["acme"]] && troubles == [true, false])
        try put { $0 = PauseOrders() }
        await watch.look()
        #expect(applied == [["acme"], []])
    }

    @Test func aDocumentThatCannotBeReadChangesNothingAndIsToldOnce() async throws {
        try put { $0.pause("acme", PauseOrdersTests.order) }
        let watch = watch()
        await watch.look()
        store.put(Array(#"{"schema":2}"#.utf8))
        await watch.look()
        await watch.look()
        #expect(applied == [["acme"]] && troubles == [true])
        store.put(Array("[]".utf8))
        await watch.look()
        #expect(applied == [["acme"]] && troubles == [true, true])
        store.put(nil)
        await watch.look()
        #expect(applied == [["acme"], []] && troubles == [true, true, false])
    }

    @Test func nothingIsAppliedBeforeAnythingIsKnown() async throws {
        store.failReads(StepError(.surroundings(.objectStore), "down"))
        let watch = watch()
        await watch.look()
        #expect(applied == [] && troubles == [true])
        store.failReads(nil)
        await watch.look()
        #expect(applied == [[]] && troubles == [true, false])
    }

    @Test func aCancelledWatchEnds() async {
        let watch = watch(ScriptedTime { _, _ throws(CancellationError) in throw CancellationError() })
        await watch.run()
        #expect(store.reads == 1)
    }
}
