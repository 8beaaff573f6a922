// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Synchronization
internal import Testing

@testable internal import ObjectStore

@Suite struct TransferMemoryTests {
    private let page = 4096

    @Test func dividesTheBudget() throws {
        let memory = try TransferMemory(budget: 96 << 20, concurrency: 4, partSize: 8 << 20)
        #expect(memory.partSize == 8 << 20)
        #expect(memory.maximumPartSize == 12 << 20)
        #expect(try TransferMemory(budget: 40 << 20, concurrency: 4, partSize: 8 << 20).partSize == 5 << 20)
    }

    @Test func refusesABudgetThatHoldsNoParts() async {
        let error = await failure { _ = try TransferMemory(budget: 39 << 20, concurrency: 4, partSize: 8 << 20) }
        #expect(error?.kind == .invalidRequest)
    }

    private func memory(pages: Int, concurrency: Int) throws -> TransferMemory {
        try TransferMemory(budget: pages * page, concurrency: concurrency, partSize: page, leastPartSize: page)
    }

    /// While buffers of one size are exchanged for those of another, the sum stays within the budget.
    @Test func neverExceedsTheBudget() async throws {
        let memory = try memory(pages: 8, concurrency: 2)
        for _ in 0..<3 {
            let leases = [try await memory.lease(), try await memory.lease()]
            for size in [page, 2 * page] {
                for lease in leases + leases {
                    let buffer = try #require(try await lease.buffer(size))
                    #expect(buffer.capacity == size)
                    lease.recycle(buffer)
                    #expect(memory.gauge.bytesInUse + memory.gauge.bytesPooled <= memory.budget)
                }
            }
            for lease in leases { lease.release() }
            #expect(memory.gauge.bytesInUse == 0)
        }
    }

    @Test func lendsTheSameBufferAgain() async throws {
        let memory = try memory(pages: 4, concurrency: 2)
        let (first, second) = (try await memory.lease(), try await memory.lease())
        let buffer = try #require(try await first.buffer(page))
        buffer.count = 7
        first.release()
        let again = try await second.buffer(page)
        #expect(again === buffer)
        #expect(again?.count == 0)
        second.release()
    }

    @Test func keepsNothingOnceNothingIsUnderWay() async throws {
        let memory = try memory(pages: 4, concurrency: 2)
        let leases = [try await memory.lease(), try await memory.lease()]
        for lease in leases { _ = try await lease.buffer(page) }
        leases[0].release()
        #expect(memory.gauge.bytesPooled == page)
        leases[1].release()
        #expect(memory.gauge.bytesPooled == 0)
    }

    /// Two thirds of the budget go to whoever asks, four buffers to each at most, and come back when they were used.
    @Test func lendsWhatIsLeft() async throws {
        let memory = try memory(pages: 9, concurrency: 2)
        let (one, two) = (try await memory.lease(), try await memory.lease())
        var buffers: [TransferBuffer] = []
        for _ in 0..<4 { buffers.append(try #require(try await one.buffer(page))) }
        #expect(try await one.buffer(page) == nil)
        _ = try await two.buffer(page)
        _ = try await two.buffer(page)
        #expect(try await two.buffer(page) == nil)
        one.recycle(buffers[0])
        #expect(try await two.buffer(page) === buffers[0])
        #expect(memory.gauge.bytesInUse == 6 * page)
    }

    /// Beyond two thirds there are only buffers that transfers are certain of, and none is kept.
    @Test func keepsNoMoreThanItLends() async throws {
        let memory = try memory(pages: 9, concurrency: 4)
        var leases: [TransferLease] = []
        for _ in 0..<4 { leases.append(try await memory.lease()) }
        for lease in leases { for _ in 0..<2 { _ = try await lease.buffer(page) } }
        #expect(memory.gauge.bytesInUse == 8 * page)
        #expect(try await leases[0].buffer(page) == nil)
        leases[0].release()
        #expect(memory.gauge.bytesInUse == 6 * page && memory.gauge.bytesPooled == 0)
    }

    /// A newcomer has its two buffers as soon as those are back that others could do without.
    @Test func aNewcomerComesBeforeWhoWantsMore() async throws {
        let memory = try memory(pages: 6, concurrency: 2)
        let (one, two) = (try await memory.lease(), try await memory.lease())
        var buffers: [TransferBuffer] = []
        for _ in 0..<4 { buffers.append(try #require(try await one.buffer(page))) }
        let newcomer = Task { try await two.buffer(2 * page) }
        while memory.waitingForBuffers == 0 { await Task.yield() }
        one.recycle(buffers[0])
        #expect(memory.waitingForBuffers == 1)
        #expect(try await one.buffer(page) == nil)
        one.recycle(buffers[1])
        #expect(try await newcomer.value?.capacity == 2 * page)
        #expect(try await one.buffer(page) == nil)
        #expect(try await two.buffer(2 * page) != nil)
        #expect(memory.gauge.bytesInUse == memory.budget)
    }

    @Test func whoIsCancelledWaitsNoLonger() async throws {
        let memory = try memory(pages: 6, concurrency: 2)
        let (one, two) = (try await memory.lease(), try await memory.lease())
        for _ in 0..<4 { _ = try await one.buffer(page) }
        let newcomer = Task { await failure { _ = try await two.buffer(2 * page) } }
        while memory.waitingForBuffers == 0 { await Task.yield() }
        newcomer.cancel()
        #expect(await newcomer.value?.kind == .cancelled)
        #expect(memory.waitingForBuffers == 0)
    }

    @Test func letsTransfersInInOrder() async throws {
        let gate = AdmissionGate(limit: 1)
        #expect(await gate.enter())
        let order = Order()
        var tasks: [Task<Void, Never>] = []
        for number in 0..<100 {
            tasks.append(
                Task {
                    _ = await gate.enter()
                    order.numbers.withLock { $0.append(number) }
                    _ = gate.leave()
                })
            // One by one, so that the order of coming is known.
            while gate.counts.waiting <= number { await Task.yield() }
        }
        _ = gate.leave()
        for task in tasks { await task.value }
        #expect(order.numbers.withLock { $0 } == Array(0..<100))
        #expect(gate.counts == (0, 0))
    }

    private final class Order: Sendable {
        let numbers = Mutex<[Int]>([])
    }

    @Test func forgetsWhoNoLongerWaits() async throws {
        let gate = AdmissionGate(limit: 1)
        #expect(await gate.enter())
        let tasks = (0..<10).map { _ in Task { await gate.enter() } }
        while gate.counts.waiting < 10 { await Task.yield() }
        for (index, task) in tasks.enumerated() where index % 2 == 0 { task.cancel() }
        for (index, task) in tasks.enumerated() where index % 2 == 0 { #expect(await task.value == false) }
        #expect(gate.counts.waiting == 5)
        _ = gate.leave()
        for (index, task) in tasks.enumerated() where index % 2 == 1 {
            #expect(await task.value)
            _ = gate.leave()
        }
        #expect(gate.counts == (0, 0))
    }

    @Test func doesNotLetInWhoWasCancelledBefore() async {
        let gate = AdmissionGate(limit: 1)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await gate.enter()
        }
        task.cancel()
        #expect(await task.value == false)
        #expect(gate.counts == (0, 0))
    }

    @Test func plansParts() throws {
        let mib = 1 << 20
        #expect(try PartPlan(announced: 100 * mib, base: 8 * mib, maximum: 12 * mib).size(ofPart: 1) == 8 * mib)
        let large = try PartPlan(announced: 100_000 * mib, base: 8 * mib, maximum: 12 * mib).size(ofPart: 1)
        #expect(large * PartPlan.maximumParts >= 100_000 * mib && large <= 12 * mib && large % 4096 == 0)
        let unknown = try PartPlan(announced: nil, base: 5 * mib, maximum: 12 * mib)
        #expect(unknown.size(ofPart: 1) == 5 * mib)
        #expect(unknown.size(ofPart: 1001) == 10 * mib)
        #expect(unknown.size(ofPart: 10_000) == 12 * mib)
    }

    @Test func refusesWhatTenThousandPartsCannotHold() async {
        let error = await failure { _ = try PartPlan(announced: 200_000 << 20, base: 8 << 20, maximum: 12 << 20) }
        #expect(error?.kind == .tooLarge)
    }
}
