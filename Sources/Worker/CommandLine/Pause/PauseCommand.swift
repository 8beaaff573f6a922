// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport
internal import ObjectStore

/// What is paused or resumed.
package enum PauseSubject: Sendable, Hashable {
    /// Nothing at all is consumed; for `resume`, only the end of that.
    case everything
    case tenant(String)
    /// For `resume`: everything, and every tenant by name.
    case all
}

/// `nlu-export-worker pause` and `resume`: change one document in the bucket, which every worker follows.
package enum PauseCommand {
    /// Pauses everything or one tenant; what is paused already keeps its first order.
    package static func pause(
        settings: Settings, subject: PauseSubject, reason: String?, output: OutputFormat
    ) async -> WorkerExit {
        await run(settings) { editor, environment throws(PauseError) in
            let order = PauseOrder(by: Operator.name(), at: environment.date(), reason: reason)
            let known = try await checked(subject, settings, editor)
            guard known == nil else { return known }
            let (before, after) = try await editor.change { orders in
                switch subject {
                case .everything, .all: orders.pause(nil, order)
                case .tenant(let name): orders.pause(name, order)
                }
            }
            PauseReport(before: before, after: after, settings: settings, now: environment.date())
                .show(.pause, subject, output)
            return nil
        }
    }

    /// Ends the pause of everything, of one tenant or of all. For a tenant it also ends what workers paused by themselves.
    package static func resume(settings: Settings, subject: PauseSubject, output: OutputFormat) async -> WorkerExit {
        await run(settings) { editor, environment throws(PauseError) in
            let mark = ResumeMark(by: Operator.name(), at: environment.date(), nonce: environment.uniqueID())
            let known = try await checked(subject, settings, editor)
            guard known == nil else { return known }
            let (before, after) = try await editor.change { orders in
                switch subject {
                case .everything: orders.resumeEverything()
                case .tenant(let name): orders.resume(name, mark)
                case .all:
                    orders.resumeEverything()
                    for name in Set(orders.tenants.keys).union(settings.tenants.map(\.name)) {
                        orders.resume(name, mark)
                    }
                }
            }
            PauseReport(before: before, after: after, settings: settings, now: environment.date())
                .show(.resume, subject, output)
            return nil
        }
    }

    /// Prints what is paused; changes nothing.
    package static func show(settings: Settings, output: OutputFormat) async -> WorkerExit {
        await run(settings) { editor, environment throws(PauseError) in
            let orders = try await editor.read()
            PauseReport(before: orders, after: orders, settings: settings, now: environment.date()).show(output)
            return nil
        }
    }

    /// Refuses a tenant that neither the configuration nor an order knows.
    private static func checked(
        _ subject: PauseSubject, _ settings: Settings, _ editor: PauseEditor
    ) async throws(PauseError) -> WorkerExit? {
        guard case .tenant(let name) = subject, settings.tenant(named: name) == nil else { return nil }
        // One that was paused and then taken out of the configuration must still be resumable.
        guard try await editor.read().tenants[name] == nil else { return nil }
        let names = settings.tenants.map(\.name).joined(separator: ", ")
        CommandOutput.complain(
            LogText.clean("tenant \(name) is not configured; known: \(names) (cognigy.tenantNames)"))
        return .usage
    }

    private static func run(
        _ settings: Settings,
        _ body: @escaping @Sendable (PauseEditor, any PipelineEnvironment) async throws(PauseError) -> WorkerExit?
    ) async -> WorkerExit {
        let environment = SystemEnvironment()
        let http = CommandStore.httpClient()
        let exit: WorkerExit
        do throws(S3Error) {
            let store = try CommandStore(settings: settings, http: http, environment: environment)
            let editor = PauseEditor(store: store.state, key: store.keys.pauseOrders, environment: environment)
            exit = await interruptible {
                do throws(PauseError) {
                    return try await body(editor, environment) ?? .success
                } catch {
                    return await conclude(error, store)
                }
            }
        } catch {
            CommandOutput.complain(error.description)
            exit = .configuration
        }
        await http.shutdown()
        return exit
    }

    private static func conclude(_ error: PauseError, _ store: CommandStore) async -> WorkerExit {
        switch error {
        case .store(let cause) where cause.kind == .interrupted:
            CommandOutput.complain("interrupted; see what holds with: nlu-export-worker pause --show")
            return .undecided
        case .store:
            let (exit, remedy) = await store.judgement()
            CommandOutput.complain(LogText.clean("\(error); \(remedy)"))
            return exit
        case .unreadable:
            CommandOutput.complain(LogText.clean(error.description))
            return .configuration
        case .contended:
            CommandOutput.complain(error.description)
            return .undecided
        }
    }
}
