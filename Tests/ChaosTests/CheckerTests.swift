// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ChaosKit
import CognigySimulator
import Testing

/// The checker of chaos runs: silent about a sound run, and loud about each thing that may be wrong.
@Suite struct CheckerTests {
    @Test func soundRunHasNoFindings() {
        #expect(SoundRun().findings() == [])
    }

    @Test func whatIsMissingIsLost() {
        #expect(SoundRun.broken { $0.objects.removeFirst() } == [.lost, .disagreement])
        #expect(SoundRun.broken { $0.audits.removeFirst() } == [.lost])
        #expect(SoundRun.broken { $0.events.removeFirst(2) } == [.lost])
        #expect(SoundRun.broken { $0.checkpoints.removeFirst() } == [.lost])
    }

    @Test func oneEventOfTwoCopiesIsEnough() {
        #expect(SoundRun.broken { $0.events.removeFirst() } == [])
    }

    @Test func whatIsThereTwiceIsDoubled() {
        #expect(
            SoundRun.broken { evidence in
                var object = evidence.objects[0]
                object.key = "nlu-exports/m1/1.0.0/other.onnx"
                evidence.objects.append(object)
            } == [.doubled])
        #expect(
            SoundRun.broken { evidence in
                var audit = evidence.audits[0]
                audit.recordID = "other"
                evidence.audits.append(audit)
                evidence.fileRecords["other"] = 1
            } == [.doubled])
        #expect(
            SoundRun.broken { evidence in
                evidence.events[0].id = "other"
            } == [.doubled])
    }

    @Test func failureBesideSuccessIsTwoOutcomes() {
        #expect(
            SoundRun.broken { evidence in
                var audit = evidence.audits[0]
                audit.outcome = "FAILURE"
                evidence.audits.append(audit)
            } == [.failed, .twoOutcomes])
        #expect(
            SoundRun.broken { evidence in
                var event = evidence.events[0]
                event.routingKey = "nlu.export.failed"
                event.id = "other"
                evidence.events.append(event)
            } == [.failed, .twoOutcomes])
    }

    @Test func partiesMustAgree() {
        #expect(SoundRun.broken { $0.objects[0].sha256 = "other" } == [.disagreement])
        #expect(SoundRun.broken { $0.objects[0].size = 9 } == [.disagreement])
        #expect(SoundRun.broken { $0.objects[0].isEncrypted = false } == [.disagreement])
        #expect(SoundRun.broken { $0.audits[0].metrics.artifactSha256 = "other" } == [.disagreement])
        #expect(SoundRun.broken { $0.audits[0].metrics.artifactSizeBytes = 9 } == [.disagreement])
        #expect(SoundRun.broken { $0.audits[0].metrics.storageDestination = "s3://bucket/x" } == [.disagreement])
        #expect(SoundRun.broken { $0.events[0].body = [2] } == [.disagreement])
        #expect(SoundRun.broken { $0.events[0].document?.data.jobId = "other" } == [.disagreement])
        #expect(SoundRun.broken { $0.checkpoints[0].jobId = "other" } == [.disagreement, .triggers])
    }

    @Test func undecidedCheckpointIsFound() {
        #expect(SoundRun.broken { $0.checkpoints[0].stage = "triggered" } == [.checkpoint])
    }

    @Test func recordThatIsInNoFileIsFound() {
        #expect(SoundRun.broken { $0.fileRecords["record-c1"] = nil } == [.auditFile])
    }

    @Test func secondRunOrJobIsFound() {
        let command = SoundRun().commands[0]
        // The same run, two jobs: the tenant was asked under two keys, or did not heed the key.
        #expect(SoundRun.broken { $0.jobs.append(SoundRun.job(command, run: "run-c1", job: "job-2")) } == [.triggers])
        #expect(SoundRun.broken { $0.jobs.append(SoundRun.job(command, run: "run-2", job: "job-2")) } == [.triggers])
        #expect(
            SoundRun.broken {
                $0.triggers.append(SoundRun.trigger(command, run: "run-2", job: "job-2", isRepeat: false))
            } == [.triggers])
        #expect(SoundRun.broken { $0.triggers[0].idempotencyKey = nil } == [.triggers])
        #expect(SoundRun.broken { $0.checkpoints[0].runs = 2 } == [.triggers])
        #expect(SoundRun.broken { $0.checkpoints[0].runId = "run-2" } == [.triggers])
    }

    @Test func strangersAreFound() {
        #expect(SoundRun.broken { $0.objects[0].commandID = "other" } == [.unknown, .lost, .disagreement])
        #expect(SoundRun.broken { $0.unreadable = ["state/_invalid/x.json"] } == [.unknown])
        let other = PlannedCommand(id: "other", model: "m", size: 1)
        #expect(
            SoundRun.broken {
                $0.triggers.append(SoundRun.trigger(other, run: "r", job: "j", isRepeat: false))
            } == [.unknown])
    }

    @Test func remainsAreFound() {
        #expect(SoundRun.broken { $0.dead = ["{}"] } == [.dead])
        #expect(SoundRun.broken { $0.left = 1 } == [.left])
        #expect(SoundRun.broken { $0.leaks = 1 } == [.leak])
        #expect(SoundRun.broken { $0.incidents = ["worker 1 ended by itself"] } == [.worker])
        #expect(SoundRun.broken { $0.log.deliveries["c1"] = 6 } == [.deliveries])
    }

    @Test func uploadThatSomebodyKnewOfIsFound() {
        let open = Evidence.OpenUpload(key: "nlu-exports/m1/1.0.0/exp.onnx", id: "upload")
        #expect(SoundRun.broken { $0.uploads = [open] } == [], "begun, and never written down")
        #expect(
            SoundRun.broken {
                $0.uploads = [open]
                $0.writtenUploads = ["upload"]
            } == [.upload])
    }

    @Test func reportSaysWhatDoesNotHold() {
        var run = SoundRun()
        run.evidence.audits.removeFirst()
        let findings = run.findings()
        let report = Report(
            commands: run.commands, evidence: run.evidence, findings: findings, faults: [.kill: 7], seed: 42,
            time: .seconds(3))
        #expect(!report.isGood)
        #expect(report.text.contains("lost: c1: no audited success in the bucket"))
        #expect(report.text.contains("DOES NOT HOLD (seed 42)"))
        #expect(report.text.contains("7 kill"))
    }
}
