// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// `pause`: no worker takes commands until `resume`.
struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pause all workers, or one tenant in all workers.",
        usage: """
            nlu-export-worker pause [<options>] [--tenant <name>] [--reason <text>]
            nlu-export-worker pause [<options>] --show
            """,
        discussion: HelpText.discussion(
            """
            The order lies in the bucket; every worker, one that starts later too, follows it within lease.renew and \
            until resume. Commands stay in their queue; what is under way waits and loses neither attempts nor time.
            """,
            examples: [
                ("everything", "pause --reason maintenance"),
                ("one tenant", "pause --tenant acme --reason maintenance"),
                ("what is paused, and by whom", "pause --show"),
            ], exits: [.success, .usage, .unavailable, .internal, .undecided, .refused, .configuration]))

    @OptionGroup var options: CommonOptions

    @Option(help: ArgumentHelp("Only this tenant, one of cognigy.tenantNames.", valueName: "name"))
    var tenant: String?

    @Option(help: ArgumentHelp("Why, for those who find it paused.", valueName: "text"))
    var reason: String?

    @Flag(help: "Show what is paused and change nothing.")
    var show = false

    func validate() throws {
        if show && (tenant != nil || reason != nil) { throw ValidationError("--show goes with no other option.") }
        if tenant?.isEmpty == true { throw ValidationError("Name the tenant: --tenant NAME.") }
    }

    func run() async throws {
        let subject = tenant.map(PauseSubject.tenant) ?? .everything
        try await Invocation.run(options, needs: .store, isBrief: true) { settings in
            if show { return await PauseCommand.show(settings: settings, output: options.output) }
            return await PauseCommand.pause(
                settings: settings, subject: subject, reason: reason, output: options.output)
        }
    }
}

/// `resume`: ends what `pause` began.
struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End a pause of all workers, or of one tenant.",
        usage: "nlu-export-worker resume [<options>] [--tenant <name> | --all]",
        discussion: HelpText.discussion(
            """
            Without an option the pause of everything ends; tenants that were paused by name stay so. With --tenant \
            it also ends a pause that workers opened by themselves after several like refusals of that tenant.
            """,
            examples: [
                ("everything", "resume"),
                ("one tenant", "resume --tenant acme"),
                ("everything and every tenant", "resume --all"),
            ], exits: [.success, .usage, .unavailable, .internal, .undecided, .refused, .configuration]))

    @OptionGroup var options: CommonOptions

    @Option(help: ArgumentHelp("Only this tenant.", valueName: "name"))
    var tenant: String?

    @Flag(help: "The pause of everything, and every tenant's.")
    var all = false

    func validate() throws {
        if all && tenant != nil { throw ValidationError("Give --tenant or --all, not both.") }
        if tenant?.isEmpty == true { throw ValidationError("Name the tenant: --tenant NAME.") }
    }

    func run() async throws {
        let subject = tenant.map(PauseSubject.tenant) ?? (all ? .all : .everything)
        try await Invocation.run(options, needs: .store, isBrief: true) { settings in
            await PauseCommand.resume(settings: settings, subject: subject, output: options.output)
        }
    }
}
