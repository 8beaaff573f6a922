// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing
import Worker

@testable import nlu_export_worker

@Suite struct CommandLineParsingTests {
    @Test(arguments: [
        ["bogus"], ["run", "extra"], ["run", "--output", "xml"], ["run", "--log-level", "loud"], ["submit"],
        ["submit", "--model", "a"], ["submit", "--version", "1"], ["submit", "--model", "", "--version", "1"],
        ["submit", "--model", "a", "--version", "1", "--timeout", "5m"],
        ["submit", "--model", "a", "--version", "1", "--wait", "--timeout", "5"],
        ["submit", "--model", "a", "--version", "1", "--metadata", "novalue"],
        ["submit", "--from", "f", "--model", "a"], ["submit", "--from", "f", "--command-id", "c"],
        ["export", "--model", "a"], ["export", "--model", "a", "--version", "1", "--queue", "q"],
        ["topology", "destroy"], ["config", "--template=yes"], ["dead", "list", "--limit", "0"],
        ["dead", "list", "--code", "model_not_fond"], ["dead", "list", "--older-than", "soon"], ["dead", "show"],
        ["dead", "show", "0"], ["dead", "show", ""], ["dead", "drop"], ["pause", "--show", "--tenant", "a"],
        ["pause", "--tenant", ""], ["resume", "--tenant", "a", "--all"], ["resume", "--reason", "x"],
    ])
    func usageErrorsEndIn64(arguments: [String]) throws {
        let error = try #require(throws: (any Error).self) { try NLUExportWorker.parseAsRoot(arguments) }
        #expect(NLUExportWorker.exitCode(for: error).rawValue == WorkerExit.usage.rawValue)
    }

    @Test func submitTakesItsOptions() throws {
        let command = try NLUExportWorker.parseAsRoot([
            "submit", "-c", "w.yaml", "--model", "m", "--version", "1.4.0", "--format", "PMML", "--tenant", "t",
            "--command-id", "c", "--metadata", "a=b", "--metadata", "c=d", "--queue", "q", "--wait", "--timeout",
            "1h30m",
            "--log-level", "debug",
        ])
        let submit = try #require(command as? Submit)
        #expect(
            try submit.fields.submission(queue: submit.queue)
                == Submission(
                    modelID: "m", version: "1.4.0", format: "PMML", tenant: "t", commandID: "c",
                    metadata: ["a": "b", "c": "d"], queue: "q"))
        #expect(submit.wait && submit.timeout?.duration == .seconds(5400))
        #expect(submit.options.config == "w.yaml")
        #expect(submit.options.overrides == [SettingOverride(key: "log.level", value: "debug", option: "--log-level")])
    }

    @Test func metadataOptionsHoldForLinesOfAFile() throws {
        let command = try NLUExportWorker.parseAsRoot(["submit", "--from", "-", "--metadata", "a=b", "--tenant", "t"])
        let submit = try #require(command as? Submit)
        #expect(submit.from == "-" && submit.fields.metadata == ["a=b"] && submit.fields.tenant == "t")
    }

    @Test(arguments: [
        ["run"], ["export", "--model", "a", "--version", "1"], ["topology", "plan"], ["topology", "apply"],
        ["config", "--output", "json"], ["doctor"], [], ["dead", "list"], ["dead", "show", "c-1", "--anyway"],
        ["pause"], ["resume"],
    ])
    func goodCommandLinesParse(arguments: [String]) throws {
        _ = try NLUExportWorker.parseAsRoot(arguments)
    }

    @Test func deadListTakesItsFilters() throws {
        let command = try NLUExportWorker.parseAsRoot([
            "dead", "list", "--limit", "7", "--code", "job_timeout", "--code", "export_lost", "--tenant", "t",
            "--model",
            "m", "--older-than", "1d", "--newer-than", "2d",
        ])
        let list = try #require(command as? Dead.List)
        #expect(
            list.filter
                == DeadLetterFilter(
                    codes: ["job_timeout", "export_lost"], tenant: "t", model: "m", olderThan: .seconds(86_400),
                    newerThan: .seconds(172_800)))
        #expect(list.limit == 7 && !list.look.anyway)
    }

    @Test(
        arguments: [
            (["3"], .position(3)), (["c-3"], .id("c-3")), (["--id", "3"], .id("3")),
            (["99999999999999999999"], .id("99999999999999999999")), (["٣"], .id("٣")),
        ] as [([String], DeadLetterSelector)])
    func deadShowTakesAPositionOrAnID(arguments: [String], selector: DeadLetterSelector) throws {
        let show = try #require(try NLUExportWorker.parseAsRoot(["dead", "show"] + arguments) as? Dead.Show)
        #expect(show.selector == selector)
    }

    static let helps: [String] = [
        NLUExportWorker.helpMessage(), Run.helpMessage(), Submit.helpMessage(), Export.helpMessage(),
        Topology.helpMessage(), Topology.Plan.helpMessage(), Topology.Apply.helpMessage(), Config.helpMessage(),
        DoctorCommand.helpMessage(), Dead.helpMessage(), Dead.List.helpMessage(), Dead.Show.helpMessage(),
        Pause.helpMessage(), Resume.helpMessage(),
    ]

    @Test(arguments: helps)
    func everyHelpHasExamplesAndExitCodes(help: String) {
        #expect(help.contains("EXAMPLES:\n  # "))
        #expect(help.contains("  nlu-export-worker "))
        #expect(help.contains("EXIT CODES:\n  0    done"))
        #expect(help.contains("  78   the configuration is wrong"))
        #expect(!help.split(separator: "\n").contains { $0.count > 80 })
    }

    @Test(arguments: helps)
    func everyExampleParses(help: String) throws {
        let examples = help.split(separator: "\n").filter { $0.hasPrefix("  nlu-export-worker ") }
        #expect(!examples.isEmpty)
        for example in examples {
            var words = example.split(separator: " ").dropFirst().map(String.init)
            if let redirection = words.firstIndex(where: { $0 == "<" || $0 == ">" }) {
                words.removeSubrange(redirection...)
            }
            if !NLUExportWorker.isVersionRequest(words) { _ = try NLUExportWorker.parseAsRoot(words) }
        }
    }
}
