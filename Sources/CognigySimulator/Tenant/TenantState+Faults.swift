// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TenantState {
    /// Plays the fault that is due, if any, and otherwise (or as well) does what was asked.
    mutating func play(
        _ faults: [Fault]?, _ call: Call, job: Int? = nil,
        carryOut: (inout TenantState, ContentFault?) -> Reply
    ) -> Reply {
        guard let fault = nextFault(of: faults ?? [], subject: call.subject, job: job) else {
            return carryOut(&self, nil)
        }
        if fault.revokesToken == true, let token = call.token { tokens[token] = nil }
        var reply: Reply
        if let replacement = fault.replacement(at: call.now) {
            if fault.effect == .after { _ = carryOut(&self, nil) }
            reply = replacement
        } else {
            reply = carryOut(&self, fault.content)
        }
        reply.delay += fault.delay?.duration ?? .zero
        return reply
    }

    /// Counts the request against the faults in order and returns the first that hits it.
    private mutating func nextFault(of faults: [Fault], subject: Subject, job: Int?) -> Fault? {
        for fault in faults {
            if let limit = fault.jobs, let job, job > limit { continue }
            let key = CounterKey(fault: fault.name, subject: counted(subject))
            let seen = counters[key, default: 0]
            counters[key] = seen + 1
            let first = max(0, fault.after ?? 0)
            guard seen >= first else { continue }
            if let times = fault.times, seen - first >= times { continue }
            if let share = fault.share, !Self.isHit(key, seen: seen, share: share) { continue }
            return fault
        }
        return nil
    }

    /// Whether the request of this number is among the share that a fault hits, by a hash: the same in every run.
    private static func isHit(_ key: CounterKey, seen: Int, share: Double) -> Bool {
        let text = "\(key.fault)\n\(key.subject.model ?? "")\n\(key.subject.version ?? "")"
        let hash = text.utf8.reduce(UInt64(seen)) { SplitMix64.mix($0 &* 31 &+ UInt64($1)) }
        return Double(hash >> 11) / 0x1p53 < share
    }

    /// Faults count by model and version whoever asks; by client where there is no model.
    private func counted(_ subject: Subject) -> Subject {
        subject.model == nil ? subject : Subject(model: subject.model, version: subject.version)
    }
}

extension Fault {
    /// What is answered in place of the right answer; nil when that is to be given.
    fileprivate func replacement(at now: Moment) -> Reply? {
        if let transport { return Reply(transport) }
        guard let status else { return nil }
        var answer = body(status: status)
        if let retryAfter { answer = answer.with("Retry-After", Self.render(retryAfter, at: now)) }
        for (name, value) in (headers ?? [:]).sorted(by: { $0.key < $1.key }) { answer = answer.with(name, value) }
        return Reply(answer)
    }

    private func body(status: Int) -> Answer {
        switch body ?? .json {
        case .json:
            return .error(status, "simulated", "a simulated answer with status \(status)")
        case .html:
            let page =
                "<!DOCTYPE html>\n<html><head><title>\(status)</title></head><body><h1>Gateway</h1></body></html>\n"
            return Answer(
                status: status, headers: [("Content-Type", "text/html; charset=utf-8")],
                body: .bytes(Array(page.utf8)))
        case .empty:
            return Answer(status: status)
        case .raw(let text):
            return Answer(
                status: status, headers: [("Content-Type", "application/json")], body: .bytes(Array(text.utf8)))
        case .text(let text):
            return Answer(status: status, headers: [("Content-Type", "text/plain")], body: .bytes(Array(text.utf8)))
        }
    }

    private static func render(_ retryAfter: String, at now: Moment) -> String {
        guard retryAfter.hasPrefix("date:"), let seconds = Int(retryAfter.dropFirst(5)),
            (0...1_000_000_000).contains(seconds)
        else { return retryAfter }
        // Rounded up: the date has no fraction, and the wait should not come out as less than asked for.
        return HTTPDate.text(unixSeconds: Int(now.unix.rounded(.up)) + seconds)
    }
}
