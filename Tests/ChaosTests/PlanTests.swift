// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ChaosKit
import CognigySimulator
import TestKit
import Testing

/// What a seed chooses.
@Suite struct PlanTests {
    private var options: ChaosOptions {
        var options = ChaosOptions()
        options.commands = 500
        options.seed = 7
        return options
    }

    @Test func seedChoosesTheCommands() {
        let plan = CommandPlan(options: options)
        #expect(plan.commands == CommandPlan(options: options).commands)
        var other = options
        other.seed = 8
        #expect(plan.commands != CommandPlan(options: other).commands)
        #expect(Set(plan.commands.map(\.id)).count == 500)
        #expect(plan.commands.contains { $0.copies == 2 } && plan.commands.contains { $0.runs == 2 })
        #expect(plan.commands.count { $0.size > 16 << 20 } == options.largeArtifacts)
    }

    @Test func tenantKnowsWhatTheModelsAskFor() {
        let tenant = Tenant(configuration: SimulatorConfiguration(), time: SimulatorTime(clock: ContinuousClock()))
        for command in CommandPlan(options: options).commands {
            #expect(tenant.artifact(model: command.model, version: command.version).size == command.size)
            guard command.model.hasPrefix("scenario-") else { continue }
            let behaviour = Catalogue.behaviour(forID: command.model)
            let ordinary = Behaviour(
                size: behaviour.size, poll: PollBehaviour(duration: behaviour.poll?.duration))
            #expect(behaviour != ordinary, "\(command.model) plays nothing")
        }
    }

    @Test func tenantComesBackWhereTroubleIsEndedEarly() async throws {
        let tenant = try await TenantHost.start()
        await tenant.close()
        let disturbing = Task {
            while !Task.isCancelled { await Task.yield() }
            try await tenant.open()
        }
        disturbing.cancel()
        try await disturbing.value
        await tenant.close()
    }

    @Test func troubleIsDealtFromADeck() {
        let kinds = Set(FaultKind.allCases.filter(\.isDisturbance))
        var schedule = FaultSchedule(kinds: kinds, workers: 4, random: SplitMix64(seed: 3))
        let dealt = (0..<kinds.count * 3).compactMap { _ in schedule.next() }
        for round in 0..<3 {
            #expect(Set(dealt[(round * kinds.count)..<((round + 1) * kinds.count)].map(\.kind)) == kinds)
        }
        var again = FaultSchedule(kinds: kinds, workers: 4, random: SplitMix64(seed: 3))
        #expect(dealt == (0..<kinds.count * 3).compactMap { _ in again.next() })
    }

    @Test func everyKindIsMadeBySomebody() {
        for kind in FaultKind.allCases {
            let isStanding = [.kill, .scenarios, .duplicates].contains(kind)
            #expect([isStanding, kind.isDisturbance, kind.isOutage].count { $0 } == 1, "\(kind)")
        }
    }
}
