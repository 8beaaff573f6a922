// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import CognigySimulator

@Suite struct ScenarioTests {
    @Test func filesAreRead() throws {
        let json = #"""
            {"rules": [{"name": "slow", "match": {"model": "m-*", "client": "a?"},
              "behaviour": {"size": "4KiB", "validate": {"steps": [{"status": "TRAINING", "looks": 1}, {"status": 3}]},
                "poll": {"duration": "1m", "faults": [{"status": 429, "retryAfter": "date:2", "times": 2}]},
                "download": {"faults": [{"content": {"kind": "truncated", "at": 10}}, {"transport": "hang"}]}}}]}
            """#
        let file = try ScenarioFile(json: Array(json.utf8))
        let behaviour = try #require(file.rules.first?.behaviour)
        #expect(file.rules.first?.match == Rule.Match(model: "m-*", client: "a?"))
        #expect(behaviour.size == ByteSize(4096))
        #expect(behaviour.validate?.steps == [.init("TRAINING", looks: 1), .init(3)])
        #expect(behaviour.poll?.duration == HumanDuration(.seconds(60)))
        #expect(behaviour.poll?.faults == [Fault(times: 2, status: 429, retryAfter: "date:2")])
        #expect(behaviour.download?.faults?.first?.content == ContentFault(.truncated, at: ByteSize(10)))
        let again = try ScenarioFile(json: Array(JSONEncoder().encode(file)))
        #expect(again == file)
    }

    @Test(arguments: [
        (#"{"rules":[{"match":{},"behaviour":{"pol":{}}}]}"#, ".rules[0].behaviour.pol"),
        (#"{"rules":[{"match":{"modle":"x"},"behaviour":{}}]}"#, ".rules[0].match.modle"),
        (#"{"rules":[{"match":{},"behaviour":{"poll":{"faults":[{"stat":1}]}}}]}"#, "faults[0].stat"),
        (#"{"rules":[{"match":{},"behaviour":{"size":"big"}}]}"#, "not a size"),
        (#"{"rules":[{"match":{},"behaviour":{"trigger":{"faults":[{"body":"xml"}]}}}]}"#, "a body is"),
        (#"{"rules":[{"match":{},"behaviour":{"trigger":{"faults":[{"status":99999}]}}}]}"#, "status 99999"),
        (#"{"rules":[{"match":{},"behaviour":{"download":{"redirect":{"status":100}}}}]}"#, "status 100"),
        ("[]", "scenario file"), ("", "scenario file"),
    ])
    func misspeltFilesAreRefused(json: String, complaint: String) {
        let error = #expect(throws: ScenarioFileError.self) { try ScenarioFile(json: Array(json.utf8)) }
        #expect(error?.description.contains(complaint) == true)
    }

    @Test func idsChooseScenarios() {
        let plain = Catalogue.behaviour(forID: "job-failed-model")
        #expect(plain == Behaviour())
        #expect(Catalogue.behaviour(forID: "scenario-job-failed").poll?.outcome == "FAILED")
        #expect(Catalogue.behaviour(forID: "scenario-job-failed-once-17").poll?.jobs == 1)
        #expect(Catalogue.behaviour(forID: "scenario-job-failed-17").poll?.jobs == nil)
        #expect(Catalogue.behaviour(forID: "scenario-no-such-thing") == Behaviour())
    }

    @Test func idsChooseSizesAndTimes() {
        let behaviour = Catalogue.behaviour(forID: "size-64MiB-takes-5s-x")
        #expect(behaviour.size == ByteSize(64 << 20))
        #expect(behaviour.poll?.duration == HumanDuration(.seconds(5)))
        #expect(Catalogue.behaviour(forID: "scenario-artifact-truncated-once-size-3KiB").size == ByteSize(3072))
        #expect(Catalogue.behaviour(forID: "capsize-3KiB").size == nil)
        #expect(Catalogue.behaviour(forID: "size-large").size == nil)
    }

    @Test func scenariosAddUp() {
        let behaviour = Catalogue.behaviour(forID: "scenario-poll-500-twice+artifact-reset-once+link-own-7")
        #expect(behaviour.poll?.faults?.first?.status == 500)
        #expect(behaviour.poll?.link?.kind == .own)
        #expect(behaviour.download?.faults?.first?.content?.kind == .reset)
    }

    @Test(arguments: [
        ("trigger-500-x3", Fault(times: 3, status: 500)),
        ("trigger-lost-503-once", Fault(times: 1, status: 503, effect: .after)),
        ("trigger-lost-reset-twice", Fault(times: 2, transport: .reset, effect: .after)),
        ("trigger-html", Fault(status: 200, body: .html)),
        ("trigger-html-502-once", Fault(times: 1, status: 502, body: .html)),
        ("trigger-429-seconds-once", Fault(times: 1, status: 429, retryAfter: "1")),
        ("trigger-429-date", Fault(status: 429, retryAfter: "date:1")),
        ("trigger-429-bare-twice", Fault(times: 2, status: 429)),
        ("trigger-hang-once-after2-tail", Fault(after: 2, times: 1, transport: .hang)),
        ("trigger-404-always-x", Fault(status: 404)),
    ])
    func namesSpellFaults(name: String, fault: Fault) {
        var expected = fault
        expected.name = "scenario-\(name.replacing("-tail", with: "").replacing("always-x", with: "always"))/trigger/0"
        #expect(Catalogue.behaviour(forID: "scenario-" + name).trigger?.faults == [expected])
    }

    @Test(arguments: ["trigger", "trigger-999", "trigger-lost", "oven-500", "artifact-500", "download-no-such"])
    func otherWordsSpellNothing(name: String) {
        #expect(FaultGrammar.scenario(words: name.split(separator: "-")) == nil)
    }

    @Test func laterRulesLieOnTop() {
        let below = Behaviour(
            size: ByteSize(1), poll: PollBehaviour(faults: [Fault(status: 500)], outcome: "FAILED"))
        let above = Behaviour(poll: PollBehaviour(faults: [Fault(status: 404)], duration: HumanDuration(.seconds(1))))
        let both = below.overlaid(by: above)
        #expect(both.size == ByteSize(1))
        #expect(both.poll?.outcome == "FAILED")
        #expect(both.poll?.duration == HumanDuration(.seconds(1)))
        #expect(both.poll?.faults?.map(\.status) == [404, 500])
    }

    @Test func scenarioNamesAreUniqueAndFindable() {
        #expect(Set(Catalogue.scenarios.map(\.name)).count == Catalogue.scenarios.count)
        for scenario in Catalogue.scenarios {
            #expect(Catalogue.scenario(named: scenario.name[...])?.name == scenario.name)
            #expect(!scenario.summary.isEmpty)
        }
    }
}
