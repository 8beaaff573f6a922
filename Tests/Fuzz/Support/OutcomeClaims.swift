// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import ExportPipeline

/// What is written about an outcome is one line of JSON, the same bytes each time, under a key that stores take.
enum OutcomeClaims {
    static func check(_ outcome: Outcome, withHeaders: Bool = true) throws {
        let record = AuditRecord(rendering: outcome)
        try claimSame(record, AuditRecord(rendering: outcome), "the audit record")
        try check(document: record.bytes)
        if outcome.auditKey == nil { try CommandClaims.claimKey(record.key) }
        let event = ExportEvent(rendering: outcome)
        try claimSame(event, ExportEvent(rendering: outcome), "the event")
        try check(document: event.body)
        for (name, value) in event.headers where withHeaders {
            try claim(
                name.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "the event's header \(name.debugDescription)")
            try claim(!value.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "the header \(name): \(value.debugDescription)")
        }
    }

    private static func check(document bytes: [UInt8]) throws {
        try claim(!bytes.contains { $0 < 0x20 }, "a document of more than one line")
        try claim((try? StrictJSON.parse(bytes))?.object != nil, "a document that is no strict JSON")
    }
}
