// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Everything outside the workers that a worker talks to.
enum Server: Sendable, Hashable {
    case store
    case tenant(Int)
    case exchange
    /// The file of audit records on the worker's own disk.
    case file
}

/// What a simulation is made of, drawn from its seed before anything runs.
struct Scenario {
    /// What in the end becomes of a command whatever the surroundings do.
    enum Ending: Hashable {
        case completes
        case jobFails
        case unknownJobStatus
        case notTrained
        case modelMissing
        /// Not a command at all.
        case invalid
    }

    /// One message that carries a command.
    struct Copy {
        let at: Instant
        let messageID: String?
        /// Copies of another variant bear the same command id with other content.
        let variant: Int
    }

    struct Command {
        let id: String
        let tenant: Int
        let queue: Int
        var copies: [Copy] = []
        var ending = Ending.completes
        var trainedAt: Instant = 0
        var jobDuration: Instant = 0
        /// Parts of the upload; 1 is a single put.
        var parts = 1
        /// How many jobs of this command the tenant loses.
        var lostJobs = 0
        /// How many objects stored for this command come out other than was asked for.
        var unencrypted = 0
        /// When somebody else deletes the object.
        var vanishesAt: Instant?
        /// A dead letter of this command is replayed once, after its cause was mended.
        var isReplayed = false
    }

    /// How often a call goes wrong by itself.
    struct Rates {
        var lostRequest = 0.0
        var lostAnswer = 0.0
        /// The client gives up, and the request takes effect later.
        var late = 0.0
        var slow = 0.0
        var serverError = 0.0
        var throttled = 0.0
        /// The client library repeats a request whose first answer it lost.
        var repeated = 0.0
        /// A conditional write is refused though nothing stands against it (409).
        var falseConflict = 0.0
    }

    /// What happens at an instant that no call decides.
    enum Incident {
        case partition(host: Int?, Server, oneWay: Bool, Instant)
        case outage(Server, Instant)
        /// The credentials are refused: of one host, or everybody's.
        case refused(host: Int?, Server, Instant)
        case cutLine(host: Int)
        case brokerRestart(Instant)
        case serverCancel(host: Int)
        case crash(host: Int)
        case freeze(host: Int, Instant)
        case drain(host: Int)
        case pause(host: Int, Instant)
        /// The tenant answers every question about models with 403.
        case scopeLost(tenant: Int, Instant)
        /// The broker's alarm: it takes no events.
        case blocked(Instant)
        case clockJump(host: Int, Instant)
    }

    /// What strikes a process at one of its calls.
    struct Strike {
        enum Phase: CaseIterable { case before, inFlight, onAnswer }

        let call: Int
        let phase: Phase
        /// How long it is frozen; nil for a crash.
        let frozenFor: Instant?
    }

    let seed: UInt64
    var hosts = 2
    var tenants = 1
    var queues = 1
    var prefetch = 8
    /// Milliseconds since 1970 at the beginning, and how wrong each host's wall clock is.
    var startsAt: Int64 = 0
    var skews: [Instant] = []
    var commands: [Command] = []
    var rates: [Server: Rates] = [:]
    var incidents: [(at: Instant, what: Incident)] = []
    var crashes = 0.0
    var freezes = 0.0
    var consumerTimeout: Instant = 30 * .minute
    /// Whether the workers were told of it.
    var knowsConsumerTimeout = true
    /// From then on nothing goes wrong any more, and everything must come to its end.
    var calmAt: Instant = 0
    /// `amqp.deliveryLimit`, at the broker and in the workers.
    var deliveryLimit = 1000
    /// `health.suspectAfter`.
    var suspectAfter = 5
}

extension Scenario.Incident: CustomStringConvertible {
    var description: String {
        switch self {
        case .partition(let host, let server, let oneWay, let duration):
            "\(host.map { "host \($0)" } ?? "everybody") cut off from \(server.name) for \(duration.text)s\(oneWay ? ", answers only" : "")"
        case .outage(let server, let duration): "\(server.name) is out of order for \(duration.text)s"
        case .refused(let host, let server, let duration):
            "\(server.name) refuses \(host.map { "host \($0)" } ?? "everybody") for \(duration.text)s"
        case .cutLine(let host): "host \(host) loses its line to the broker"
        case .brokerRestart(let duration): "the broker is away for \(duration.text)s"
        case .serverCancel(let host): "the broker cancels the consumers of host \(host)"
        case .crash(let host): "host \(host) crashes"
        case .freeze(let host, let duration): "host \(host) freezes for \(duration.text)s"
        case .drain(let host): "host \(host) is told to end"
        case .scopeLost(let tenant, let duration): "tenant\(tenant) refuses every question for \(duration.text)s"
        case .blocked(let duration): "the broker takes no events for \(duration.text)s"
        case .clockJump(let host, let step): "the wall clock of host \(host) jumps by \(step.text)s"
        case .pause(let host, let duration): "an operator pauses host \(host) for \(duration.text)s"
        }
    }
}
