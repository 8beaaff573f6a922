// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

@Suite struct PauseEditorTests {
    private let store = DocumentStore()
    private let order = PauseOrdersTests.order

    private func editor() -> PauseEditor {
        PauseEditor(store: store, key: "pause.json", environment: ScriptedTime())
    }

    private var stored: PauseOrders {
        get throws { try PauseOrdersCodec.decode(try #require(store.document)) }
    }

    private func orders(of tenant: String) throws -> [UInt8] {
        var orders = PauseOrders()
        orders.nonce = "somebody else"
        orders.pause(tenant, order)
        return try PauseOrdersCodec.encode(orders)
    }

    @Test func theFirstOrderMakesTheDocument() async throws {
        #expect(try await editor().read() == PauseOrders())
        let (before, after) = try await editor().change { $0.pause("acme", order) }
        #expect(before == PauseOrders())
        #expect(after.tenants == ["acme": order] && !after.nonce.isEmpty)
        #expect(try stored == after)
        let read = try await editor().read()
        #expect(read == after)
    }

    @Test func whatChangesNothingIsNotWritten() async throws {
        store.put(try orders(of: "acme"))
        let (before, after) = try await editor().change { $0.pause("acme", order) }
        #expect(before == after && store.writes == 0)
    }

    @Test func anotherOperatorsOrderIsKept() async throws {
        store.meet(.overtaken(by: try orders(of: "theirs")))
        let (before, after) = try await editor().change { $0.pause("mine", order) }
        #expect(before.tenants.keys.sorted() == ["theirs"])
        #expect(after.tenants.keys.sorted() == ["mine", "theirs"])
        #expect(try stored == after && store.writes == 2)
    }

    @Test func aLostAnswerIsReadBack() async throws {
        store.meet(.unanswered)
        let (_, after) = try await editor().change { $0.pause("acme", order) }
        #expect(try stored == after && store.writes == 1)
    }

    @Test func aLostWriteIsAnError() async throws {
        store.meet(.lost)
        let error = await #expect(throws: PauseError.self) {
            let editor = editor()
            _ = try await editor.change { $0.pause("acme", order) }
        }
        #expect(error == .store(StepError(.transient(), "no answer")))
        #expect(store.document == nil)
    }

    @Test func whoIsAlwaysSecondGivesUp() async throws {
        for number in 0..<100 { store.meet(.overtaken(by: try orders(of: "t\(number)"))) }
        let error = await #expect(throws: PauseError.self) {
            let editor = editor()
            _ = try await editor.change { $0.pause("acme", order) }
        }
        #expect(error == .contended(attempts: 10))
        #expect(store.writes == 10)
        #expect(try stored.tenants["acme"] == nil)
    }

    @Test(arguments: [#"{"schema":99}"#, "no JSON"])
    func whatCannotBeReadIsLeftAlone(text: String) async {
        store.put(Array(text.utf8))
        let error = await #expect(throws: PauseError.self) {
            let editor = editor()
            _ = try await editor.change { $0.pause("acme", order) }
        }
        if case .unreadable(key: "pause.json", _)? = error {} else { Issue.record("\(String(describing: error))") }
        #expect(store.document == Array(text.utf8) && store.writes == 0)
    }
}
