// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

struct KeyTests {
    private func command(
        _ model: String = "m", version: String = "1.0", tenant: String = "acme", format: String = "ONNX",
        id: String = "c1"
    ) -> ExportCommand {
        ExportCommand(commandID: id, tenant: tenant, modelID: model, version: version, format: format)
    }

    @Test(arguments: [
        ("aZ09._~-", "aZ09._~-"), ("", ""), ("a b/c", "a%20b%2Fc"), ("ä€😀", "%C3%A4%E2%82%AC%F0%9F%98%80"),
        ("%2F", "%252F"), ("\u{0}\u{7F}", "%00%7F"),
        ("+*'()!:@&=$,;?#[]", "%2B%2A%27%28%29%21%3A%40%26%3D%24%2C%3B%3F%23%5B%5D"),
    ])
    func encodesWhatIsNotUnreserved(text: String, encoded: String) {
        #expect(PercentEncoding.encode(text) == encoded)
        #expect(PercentEncoding.encodedLength(text) == encoded.utf8.count)
    }

    @Test func rendersTheStandardKey() throws {
        let template = try ObjectKeyTemplate(ObjectKeyTemplate.standard)
        #expect(try template.key(for: command(), exportID: "exp-1") == "nlu-exports/m/1.0/exp-1.onnx")
        #expect(
            try template.key(for: command("a b", version: "ä", format: "Core ML/x"), exportID: "../e")
                == "nlu-exports/a%20b/%C3%A4/..%2Fe.core%20ml%2Fx")
    }

    @Test func rendersEveryPlaceholder() throws {
        let template = try ObjectKeyTemplate(
            "x/{tenant}/{modelId}-{version}/{format}/{commandId}/{exportId}.{extension}", tenantCount: 2)
        #expect(try template.key(for: command(id: "c 1"), exportID: "e") == "x/acme/m-1.0/ONNX/c%201/e.onnx")
    }

    @Test(arguments: [
        ("", KeyTemplateError.Code.empty, "empty"),
        ("a/{exportID}", .unknownPlaceholder, "{exportID}"), ("a/{}", .unknownPlaceholder, "{}"),
        ("a/{exportId", .malformed, "brace"), ("a/exportId}", .malformed, "brace"),
        ("{{exportId}}", .unknownPlaceholder, "{{exportId}"),
        ("/a/{exportId}", .malformed, "slash"), ("{exportId}/", .malformed, "slash"),
        ("a//{exportId}", .malformed, "empty"),
        ("a/../{exportId}", .malformed, ".."), ("./{exportId}", .malformed, "."),
        ("a b/{exportId}", .malformed, "blank"), ("ä/{exportId}", .malformed, "ASCII"),
        ("a\\{exportId}", .malformed, "backslash"),
        ("{modelId}/{version}.onnx", .notUnique, "{exportId}"),
        ("state/{exportId}", .reserved, "state/"), ("audit/x/{exportId}", .reserved, "audit/"),
    ])
    func refusesATemplateAndSaysWhy(text: String, code: KeyTemplateError.Code, part: String) {
        let error = #expect(throws: KeyTemplateError.self) {
            try ObjectKeyTemplate(text, reservedPrefixes: ["state/", "audit/"])
        }
        #expect(error?.code == code)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test func wantsTheTenantWhereThereAreSeveral() throws {
        #expect(throws: Never.self) { try ObjectKeyTemplate(ObjectKeyTemplate.standard, tenantCount: 1) }
        let error = #expect(throws: KeyTemplateError.self) {
            try ObjectKeyTemplate(ObjectKeyTemplate.standard, tenantCount: 2)
        }
        #expect(error?.code == .tenantMissing)
        #expect(throws: Never.self) { try ObjectKeyTemplate("{tenant}/{exportId}", tenantCount: 2) }
    }

    @Test func refusesKeysThatStoresTreatDifferently() throws {
        let template = try ObjectKeyTemplate("{exportId}/{modelId}")
        for exportID in ["", ".", ".."] {
            let error = #expect(throws: StepError.self) { try template.key(for: command(), exportID: exportID) }
            #expect(error?.kind == .permanent(.storageRefused))
        }
        let room = ObjectKeyTemplate.maximumKeyBytes - "/m".utf8.count
        #expect(throws: Never.self) {
            try template.key(for: command(), exportID: String(repeating: "e", count: room))
        }
        #expect(throws: StepError.self) {
            try template.key(for: command(), exportID: String(repeating: "e", count: room + 1))
        }
    }

    @Test func keepsStateApart() {
        let keys = StateKeys()
        #expect(keys.checkpoint(tenant: "acme", commandID: "c 1") == "state/acme/c%201.json")
        #expect(keys.invalid(digest: "abc") == "state/_invalid/abc.json")
        #expect(keys.worker(instance: "host/7") == "state/_workers/host%2F7.json")
        #expect(keys.worker(instance: "host/7").hasPrefix(keys.workers))
        #expect(keys.probe(instance: "host/7") == "state/_workers/host%2F7.probe")
        #expect(StateKeys(prefix: "a/b").prefix == "a/b/")
        #expect(StateKeys(prefix: "").checkpoint(tenant: "t", commandID: "c") == "t/c.json")
    }

    @Test func noTenantMeetsTheWorkersOwnFolders() {
        let keys = StateKeys()
        let tenants = ["_invalid", "_workers", "%5Finvalid", "%5finvalid", "%255Finvalid", "_", "__invalid", "invalid"]
        let checkpoints = tenants.map { keys.checkpoint(tenant: $0, commandID: "x") }
        #expect(checkpoints[0] == "state/%5Finvalid/x.json")
        #expect(Set(checkpoints).count == tenants.count)
        #expect(checkpoints.allSatisfy { !$0.hasPrefix("state/_") })
    }
}
