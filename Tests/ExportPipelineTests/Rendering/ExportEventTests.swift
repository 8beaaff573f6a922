// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

struct ExportEventTests {
    private func text(_ event: ExportEvent) -> String { String(decoding: event.body, as: UTF8.self) }

    @Test func rendersACompletion() {
        let event = ExportEvent(rendering: RenderingSamples.success(), source: "worker-7")
        #expect(event.kind == .completed)
        #expect(event.routingKey == "nlu.export.completed")
        #expect(event.id == "640a8cbe-e935-82fb-9cfe-2fece521ec72")
        #expect(event.messageID == event.id)
        #expect(event.correlationID == "corr")
        #expect(event.contentType == "application/json")
        #expect(
            event.headers == [
                "ce-specversion": "1.0", "ce-id": event.id, "ce-source": "worker-7",
                "ce-type": "com.cognigy.nlu.export.completed", "ce-time": "2026-11-23T01:23:45.678Z",
                "ce-subject": "m/1.4.0", "traceparent": RenderingSamples.traceparent,
            ])
        #expect(
            text(event)
                == #"{"event":"nlu_model_export_completed","timestamp":"2026-11-23T01:23:45.678Z","data":{"commandId":"c1","#
                + #""tenant":"acme","modelId":"m","version":"1.4.0","format":"ONNX","exportId":"e1","jobId":"j1","#
                + #""storageLocation":"s3://b/nlu-exports/m/1.4.0/e1.onnx","artifactSizeBytes":123,"#
                + #""artifactSha256":"\#(String(repeating: "ab", count: 32))","durationSeconds":12.34,"#
                + #""status":"SUCCESS"}}"#)
    }

    @Test func rendersAFailure() {
        let event = ExportEvent(rendering: RenderingSamples.failure())
        #expect(event.kind == .failed)
        #expect(event.routingKey == "nlu.export.failed")
        #expect(event.id == "25736fa2-38a7-819d-b899-fdfd0a66c8b9")
        #expect(event.correlationID == nil)
        #expect(event.headers["ce-type"] == "com.cognigy.nlu.export.failed")
        #expect(event.headers["ce-source"] == "nlu-export-worker")
        #expect(event.headers["traceparent"] == nil)
        #expect(
            text(event)
                == #"{"event":"nlu_model_export_failed","timestamp":"2026-11-23T01:23:45.678Z","data":{"commandId":"c1","#
                + #""tenant":"acme","modelId":"m","version":"1.4.0","format":"ONNX","jobId":"j1","durationSeconds":12.34,"#
                + #""status":"FAILURE","error":{"code":"permission_denied","stage":"trigger","#
                + #""message":"the tenant says \"no\"","httpStatus":403}}}"#)
        #expect(!text(ExportEvent(rendering: RenderingSamples.failure(httpStatus: nil))).contains("httpStatus"))
    }

    @Test func leavesOutWhatCouldNotBeRead() {
        let event = ExportEvent(rendering: RenderingSamples.invalid())
        #expect(event.headers["ce-subject"] == nil)
        #expect(
            text(event).contains(#""data":{"durationSeconds":0,"status":"FAILURE","error":{"code":"invalid_command""#))
    }

    @Test func rendersStartAndProgress() {
        let started = ExportEvent(RenderingSamples.report(.started, percent: 0, bytes: 0))
        #expect(started.routingKey == "nlu.export.started")
        #expect(started.id == "68716973-7fc2-82b3-8884-18e0a8eacc2c")
        #expect(started.correlationID == "corr")
        let progress = ExportEvent(RenderingSamples.report(.progress(sequence: 7)))
        #expect(progress.routingKey == "nlu.export.progress")
        #expect(progress.id == "91ca5b8c-156e-804c-bbae-0af485114412")
        #expect(progress.headers["ce-type"] == "com.cognigy.nlu.export.progress")
        #expect(
            text(progress)
                == #"{"event":"nlu_model_export_progress","timestamp":"2026-11-23T01:23:45.678Z","data":{"commandId":"c1","#
                + #""tenant":"acme","modelId":"m","version":"1.4.0","format":"ONNX","stage":"transfer","percent":41.667,"#
                + #""bytes":1024}}"#)
        #expect(ExportEvent(RenderingSamples.report(.progress(sequence: 8))).id != progress.id)
    }

    @Test(arguments: [(-1.0, "0"), (100.5, "100"), (.nan, "0"), (.infinity, "0")])
    func clampsThePercentage(percent: Double, written: String) {
        let event = ExportEvent(RenderingSamples.report(.progress(sequence: 1), percent: percent, bytes: -5))
        #expect(text(event).contains("\"percent\":\(written),\"bytes\":0}"))
    }

    @Test func percentEncodesTheSubject() {
        var outcome = RenderingSamples.success()
        outcome.modelID = "ein Modell ä"
        #expect(ExportEvent(rendering: outcome).headers["ce-subject"] == "ein%20Modell%20%C3%A4/1.4.0")
    }
}
