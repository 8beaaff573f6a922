// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Scenario names that are made of words: `<endpoint>-<fault>[-<how often>][-after<N>]`.
///
/// - endpoint: `token`, `validate`, `trigger`, `poll`, `download`
/// - fault: a status (`500`); `429-seconds`, `429-date`, `429-bare`, the first two with a `Retry-After` of one second;
///   `html` (a page with status 200), `html-502`; `close`, `reset`, `hang`; `no-job-id`; `lost-500`, `lost-503`,
///   `lost-reset`, `lost-close`: the request is carried out, the answer lost;
///   `empty`, `truncated`, `reset`, `stalled`, `longer` with `artifact` as the endpoint: broken bytes
/// - how often: `once`, `twice`, `x7`, `always` (the default)
/// - `after3`: the first three requests pass
package enum FaultGrammar {
    /// The grammar in a few lines, for people.
    package static let summary = """
        scenario-<endpoint>-<fault>[-<how often>][-after<N>]
          endpoint   token (client id), validate, trigger, poll, download
          fault      a status; 429-seconds, 429-date, 429-bare; html (200), html-502; close, reset, hang;
                     lost-<fault>: carried out, the answer lost; no-job-id (trigger)
          how often  once, twice, x<N>, always (default); after<N> lets the first N requests pass
        scenario-artifact-<damage>[-<how often>]   damage: empty, truncated, reset, stalled, longer
        """

    /// The scenario that `words` spell, nil when they spell none; words left over are the id's own business.
    static func scenario(words: [Substring]) -> Scenario? {
        guard let endpoint = words.first else { return nil }
        var rest = words.dropFirst()
        guard var fault = endpoint == "artifact" ? damage(&rest) : failure(&rest) else { return nil }
        if let times = times(rest.first) {
            fault.times = times
            rest = rest.dropFirst()
        } else if rest.first == "always" {
            rest = rest.dropFirst()
        }
        if let word = rest.first, word.hasPrefix("after"), let count = Int(word.dropFirst(5)) {
            fault.after = count
            rest = rest.dropFirst()
        }
        guard let behaviour = behaviour(of: endpoint, fault) else { return nil }
        return Scenario(words[..<rest.startIndex].joined(separator: "-"), "", behaviour)
    }

    private static func behaviour(of endpoint: Substring, _ fault: Fault) -> Behaviour? {
        switch endpoint {
        case "token": Behaviour(token: TokenBehaviour(faults: [fault]))
        case "validate": Behaviour(validate: ValidateBehaviour(faults: [fault]))
        case "trigger": Behaviour(trigger: TriggerBehaviour(faults: [fault]))
        case "poll": Behaviour(poll: PollBehaviour(faults: [fault]))
        case "download", "artifact": Behaviour(download: DownloadBehaviour(faults: [fault]))
        default: nil
        }
    }

    private static func failure(_ words: inout ArraySlice<Substring>) -> Fault? {
        guard let word = words.popFirst() else { return nil }
        if let transport = Transport(rawValue: String(word)) { return Fault(transport: transport) }
        switch word {
        case "429":
            return tooManyRequests(&words)
        case "html":
            if words.first == "502" {
                words = words.dropFirst()
                return Fault(status: 502, body: .html)
            }
            return Fault(status: 200, body: .html)
        case "lost":
            guard var fault = failure(&words) else { return nil }
            fault.effect = .after
            return fault
        case "no" where words.starts(with: ["job", "id"]):
            words = words.dropFirst(2)
            return Fault(status: 202, body: .raw(#"{"status":"PENDING"}"#), effect: .after)
        default:
            guard word.count == 3, let status = Int(word), (200..<600).contains(status) else { return nil }
            return Fault(status: status)
        }
    }

    private static func tooManyRequests(_ words: inout ArraySlice<Substring>) -> Fault {
        let retryAfter: String? =
            switch words.first {
            case "seconds": "1"
            case "date": "date:1"
            default: nil
            }
        if retryAfter != nil || words.first == "bare" { words = words.dropFirst() }
        return Fault(status: 429, retryAfter: retryAfter)
    }

    private static func damage(_ words: inout ArraySlice<Substring>) -> Fault? {
        guard let kind = words.popFirst().flatMap({ ContentFault.Kind(rawValue: String($0)) }) else { return nil }
        return Fault(content: ContentFault(kind))
    }

    private static func times(_ word: Substring?) -> Int? {
        switch word {
        case "once": 1
        case "twice": 2
        case .some(let word) where word.first == "x": Int(word.dropFirst())
        default: nil
        }
    }
}
