// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

struct FingerprintTests {
    private func fingerprint(
        _ tenant: String = "default", _ model: String = "m", _ version: String = "1.0", _ format: String = "ONNX",
        _ metadata: [String: String] = [:]
    ) -> String {
        Fingerprint.of(tenant: tenant, modelID: model, version: version, format: format, metadata: metadata)
    }

    /// Computed apart from this code, over `7:default1:m3:1.04:ONNX` and `…1:a1:11:b2:é`: a change of the encoding would
    /// turn every redelivered command into a conflict.
    @Test func staysWhatItWas() {
        #expect(fingerprint() == "361978b82b4bd1f3c02c1b02af3756f3a44ba64d6e572f83392c27a366fd3ac5")
        #expect(
            fingerprint("default", "m", "1.0", "ONNX", ["b": "é", "a": "1"])
                == "b4cdda7b87ba42e5bd43f234efae826ffa63e1c51d4bca46d5d7949bdc10d0f4")
    }

    @Test func differsWhereverCommandsDiffer() {
        let all = [
            fingerprint(), fingerprint("default1"), fingerprint("d"), fingerprint("default", "m1"),
            fingerprint("default", "m", "1"), fingerprint("default", "m", "1.0", "onnx"),
            fingerprint("default", "m", "1.0", "ONNX", ["a": "b"]),
            fingerprint("default", "m", "1.0", "ONNX", ["ab": ""]),
            fingerprint("default", "m", "1.0", "ONNX", ["": "ab"]),
            fingerprint("default", "m", "1.0", "ONNX", ["a": "1:b"]),
            fingerprint("default", "m", "1.0", "ONNX", ["a": "b", "c": "d"]),
            fingerprint("default", "m", "1.0", "ONNX", ["a": "b1:c1:d"]), fingerprint("m", "default"),
        ]
        #expect(Set(all).count == all.count)
    }

    @Test func derivesUUIDsOfVersionEight() {
        #expect(DerivedIdentifier.uuid("nlu-export-worker", "audit", "run-1") == "5196c31c-ae5a-8bde-bb83-7939058d6317")
        #expect(DerivedIdentifier.uuid("a", "b") != DerivedIdentifier.uuid("a\nc", "b"))
    }
}
