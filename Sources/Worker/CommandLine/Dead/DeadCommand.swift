// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import HTTPTransport
internal import Synchronization

/// Which dead letters `dead show` is asked for.
package enum DeadLetterSelector: Sendable, Hashable {
    /// Counted from 1 at the head of the queue, as `dead list` shows it.
    case position(Int)
    /// A command id, a message id or the hash of the message.
    case id(String)
}

/// `nlu-export-worker dead list|show`: looks at the dead letters and leaves every one where it is.
package enum DeadCommand {
    /// How many letters of one id are shown at most.
    private static let mostShown = 20
    /// The longest body that `show` fetches, in bytes: RabbitMQ's own default limit of a message.
    private static let maximumShownBytes = 16 << 20

    /// Prints the dead letters that `filter` admits, at most `limit` of them.
    package static func list(
        settings: Settings, filter: DeadLetterFilter, limit: Int, isForced: Bool, output: OutputFormat
    ) async -> WorkerExit {
        await run(settings, isForced) { surroundings in
            let (queue, maximumBytes) = (surroundings.queue, settings.amqp.maxCommandBytes)
            let view = try await queue.look(maximumBodyBytes: maximumBytes, first: limit) { position, delivery in
                let letter = DeadLetter(position: position, delivery, maximumBytes: maximumBytes)
                // What only the bucket tells is asked when nothing is held any more.
                let isLast = filter.isEmpty && position >= limit
                return (filter.admits(letter) ? letter : nil, isLast ? .enough : .goOn)
            }
            var report = DeadListReport(queue: queue.name, view: view, now: surroundings.environment.date())
            await report.judge(view.kept, filter, limit: limit, by: surroundings.records)
            return report.show(output)
        }
    }

    /// Prints everything about one dead letter, or about each of one id.
    package static func show(
        settings: Settings, selector: DeadLetterSelector, isForced: Bool, output: OutputFormat
    ) async -> WorkerExit {
        await run(settings, isForced) { surroundings in
            let (queue, maximumBytes) = (surroundings.queue, settings.amqp.maxCommandBytes)
            let found = Atomic<Int>(0)
            let view: DeadQueueView<(DeadLetter, AMQPDelivery)>
            let first = if case .position(let wanted) = selector { wanted } else { 100 }
            view = try await queue.look(maximumBodyBytes: maximumShownBytes, first: first) { position, delivery in
                switch selector {
                case .position(let wanted) where position < wanted: return (nil, .goOn)
                case .position:
                    return ((DeadLetter(position: position, delivery, maximumBytes: maximumBytes), delivery), .enough)
                case .id(let id):
                    let letter = DeadLetter(position: position, delivery, maximumBytes: maximumBytes)
                    guard letter.isCalled(id) else { return (nil, .goOn) }
                    return ((letter, delivery), found.add(1, ordering: .relaxed).newValue < mostShown ? .goOn : .enough)
                }
            }
            let judged = await surroundings.records.judge(view.kept.map(\.0))
            let report = DeadShowReport(
                queue: queue.name, view: view, letters: Array(zip(judged, view.kept.map(\.1))),
                place: BucketPlace(settings), now: surroundings.environment.date())
            return report.show(selector, output)
        }
    }

    /// What both commands work with.
    private struct Surroundings {
        let queue: DeadQueue
        let records: DeadLetterRecords
        let environment: any PipelineEnvironment
    }

    private static func run(
        _ settings: Settings, _ isForced: Bool,
        _ body: @escaping @Sendable (Surroundings) async throws -> WorkerExit
    ) async -> WorkerExit {
        let environment = SystemEnvironment()
        let http = CommandStore.httpClient()
        let surroundings = Surroundings(
            queue: DeadQueue(
                settings: settings, identity: WorkerIdentity.current(environment: environment), http: http,
                isForced: isForced, warn: { CommandOutput.complain("warning: \($0)") }),
            records: DeadLetterRecords(settings: settings, http: http, environment: environment),
            environment: environment)
        let exit = await interruptible { await Self.exit { try await body(surroundings) } }
        await http.shutdown()
        return exit
    }

    private static func interrupted() -> WorkerExit {
        CommandOutput.complain("interrupted; every dead letter is back in its queue")
        return .undecided
    }

    private static func exit(of body: () async throws -> WorkerExit) async -> WorkerExit {
        do {
            let exit = try await body()
            // The look may have ended before the signal; what was to be said of the letters is cut short.
            return Task.isCancelled ? interrupted() : exit
        } catch let error as AMQPError where error.code == .cancelled {
            return interrupted()
        } catch let error as AMQPError {
            CommandOutput.complain(error.description)
            return WorkerExit(error)
        } catch let refusal as DeadQueueRefusal {
            CommandOutput.complain("nothing was looked at: \(refusal)")
            return .configuration
        } catch {
            CommandOutput.complain("\(error)")
            return .configuration
        }
    }
}
