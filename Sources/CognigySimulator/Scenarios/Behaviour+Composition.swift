// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Behaviour {
    /// This behaviour with everything that `other` says put over it; faults of both apply, those of `other` first.
    package func overlaid(by other: Behaviour) -> Behaviour {
        var result = self
        result.size = other.size ?? size
        result.token = merge(token, other.token) { $0.overlaid(by: $1) }
        result.validate = merge(validate, other.validate) { $0.overlaid(by: $1) }
        result.trigger = merge(trigger, other.trigger) { TriggerBehaviour(faults: joined($1.faults, $0.faults)) }
        result.poll = merge(poll, other.poll) { $0.overlaid(by: $1) }
        result.download = merge(download, other.download) { $0.overlaid(by: $1) }
        return result
    }

    /// Every status that this behaviour may answer with.
    var statuses: [Int] {
        let faults = [token?.faults, validate?.faults, trigger?.faults, poll?.faults, download?.faults]
        return faults.flatMap { $0 ?? [] }.compactMap(\.status) + [download?.redirect?.status].compactMap { $0 }
    }

    /// This behaviour with its faults named after `source`, so that faults of different rules are counted apart.
    func named(after source: String) -> Behaviour {
        func named(_ faults: [Fault]?, _ endpoint: String) -> [Fault]? {
            faults?.enumerated().map { index, fault in
                var fault = fault
                fault.name = "\(source)/\(endpoint)/\(index)"
                return fault
            }
        }
        var result = self
        result.token?.faults = named(token?.faults, "token")
        result.validate?.faults = named(validate?.faults, "validate")
        result.trigger?.faults = named(trigger?.faults, "trigger")
        result.poll?.faults = named(poll?.faults, "poll")
        result.download?.faults = named(download?.faults, "download")
        return result
    }
}

extension TokenBehaviour {
    fileprivate func overlaid(by other: TokenBehaviour) -> TokenBehaviour {
        TokenBehaviour(
            faults: joined(other.faults, faults), lifetime: other.lifetime ?? lifetime,
            expiresIn: other.expiresIn ?? expiresIn, omitsExpiresIn: other.omitsExpiresIn ?? omitsExpiresIn)
    }
}

extension ValidateBehaviour {
    fileprivate func overlaid(by other: ValidateBehaviour) -> ValidateBehaviour {
        ValidateBehaviour(faults: joined(other.faults, faults), steps: other.steps ?? steps)
    }
}

extension PollBehaviour {
    fileprivate func overlaid(by other: PollBehaviour) -> PollBehaviour {
        PollBehaviour(
            faults: joined(other.faults, faults), duration: other.duration ?? duration, stuck: other.stuck ?? stuck,
            outcome: other.outcome ?? outcome, errorMessage: other.errorMessage ?? errorMessage,
            jobs: other.jobs ?? jobs,
            link: merge(link, other.link) { below, above in
                LinkBehaviour(
                    kind: above.kind ?? below.kind, url: above.url ?? below.url,
                    missing: above.missing ?? below.missing, lifetime: above.lifetime ?? below.lifetime)
            })
    }
}

extension DownloadBehaviour {
    fileprivate func overlaid(by other: DownloadBehaviour) -> DownloadBehaviour {
        DownloadBehaviour(
            faults: joined(other.faults, faults), redirect: other.redirect ?? redirect,
            chunked: other.chunked ?? chunked, rate: other.rate ?? rate,
            ignoresRange: other.ignoresRange ?? ignoresRange)
    }
}

private func merge<Part>(_ below: Part?, _ above: Part?, _ both: (Part, Part) -> Part) -> Part? {
    guard let below else { return above }
    guard let above else { return below }
    return both(below, above)
}

private func joined(_ first: [Fault]?, _ second: [Fault]?) -> [Fault]? {
    guard let first else { return second }
    return first + (second ?? [])
}
