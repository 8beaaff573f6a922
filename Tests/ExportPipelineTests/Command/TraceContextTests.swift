// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

struct TraceContextTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func keepsValidParents() {
        #expect(TraceContext.traceparent(Self.valid) == Self.valid)
        #expect(TraceContext.traceID(of: Self.valid) == "4bf92f3577b34da6a3ce929d0e0e4736")
        let later = "cc" + Self.valid.dropFirst(2)
        #expect(TraceContext.traceparent(later) == Self.valid)
        #expect(TraceContext.traceparent(later + "-more") == Self.valid)
    }

    @Test(arguments: [
        nil, "", "00", valid + "-more", valid + "x", "ff" + valid.dropFirst(2), valid.uppercased(),
        valid + "\r\nX-Evil: 1",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "cc" + valid.dropFirst(2) + "x", "cc" + valid.dropFirst(2) + "-" + String(repeating: "x", count: 600),
    ])
    func dropsOthers(text: String?) {
        #expect(TraceContext.traceparent(text) == nil)
        #expect(TraceContext.traceID(of: text) == nil)
    }

    @Test func boundsTheState() {
        #expect(TraceContext.tracestate("a=1,b=2") == "a=1,b=2")
        #expect(TraceContext.tracestate(String(repeating: "x", count: 512)) != nil)
        #expect(TraceContext.tracestate(String(repeating: "x", count: 513)) == nil)
        #expect(TraceContext.tracestate("a=1\r\nX: y") == nil)
        #expect(TraceContext.tracestate("ä=1") == nil)
        #expect(TraceContext.tracestate("") == nil)
    }
}
