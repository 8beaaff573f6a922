// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

extension FailureCode {
    /// What an operator does about a command that failed so.
    var remedy: String {
        switch self {
        case .invalidCommand:
            "correct whoever sends such messages; config/schemas/export-command.schema.json is the rule"
        case .unknownTenant: "add the tenant to cognigy.tenantNames and its settings, or correct the command's tenant"
        case .commandIDConflict:
            "send the command under an id of its own; ids must not be used twice for different exports"
        case .modelNotFound: "correct modelId or version, or see whether the tenant's baseUrl is the right project"
        case .permissionDenied: "give the client the scope for this model's export (cognigy.tenants.<name>.scope)"
        case .exportRefused: "see what the tenant says about format, version or size; another format may be possible"
        case .modelNotTrained: "train this version of the model, then order the export again"
        case .exportFailed: "see the tenant's own log of this job; if it was a passing fault, order the export again"
        case .unexpectedJobStatus: "see whether the tenant runs a newer API; a newer worker may know the status"
        case .jobTimeout: "see why the tenant's job takes so long, or raise job.deadline; then order the export again"
        case .exportLost: "see why the tenant loses export jobs or artifacts; then order the export again"
        case .artifactUnreadable: "see whether the tenant's download is whole; if it is now, order the export again"
        case .artifactTooLarge: "raise transfer.maxArtifactBytes if such an artifact is meant to be stored"
        case .downloadRefused: "if the host is right, list it in cognigy.tenants.<name>.downloadHosts"
        case .objectConflict: "see what lies under that key: the tenant gave one export id to two different artifacts"
        case .storageRefused: "see what the bucket refuses (policy, key length, encryption): nlu-export-worker doctor"
        case .retriesExhausted: "mend what the message names, then order the export again"
        case .deliveriesExhausted: "find out why workers let go of this command so often, then order the export again"
        }
    }
}

extension JudgedDeadLetter {
    /// What to do about it, one sentence.
    var remedy: String {
        switch record {
        case .failed(let outcome, _, _, _): outcome.failure?.code.remedy ?? "see the audit record"
        case .completed: "nothing is left to do: its command was carried out, and the message can go"
        case .undecided: "wait for its run to be decided, or see the log of the worker that owns it"
        case .unknown: "mend the way to the bucket (nlu-export-worker doctor) and look again"
        case .nothing:
            switch letter.deaths.first?.reason {
            case "delivery_limit":
                "no worker rejected it: the broker gave up after too many deliveries; raise amqp.deliveryLimit"
            case "expired": "no worker rejected it: it expired; remove the time to live from queue, policy or message"
            case "maxlen": "no worker rejected it: its queue was full; raise max-length of queue or policy"
            default: "no worker of this bucket rejected it: see who else takes from or writes to the queue"
            }
        }
    }

    /// The command line that orders the same export anew, under a new id: the old one is decided. Nil where the message
    /// holds no command, and where there is nothing to order anew.
    var submission: String? {
        guard let command = letter.command else { return nil }
        switch record {
        case .completed, .undecided: return nil
        case .failed, .nothing, .unknown: break
        }
        var options = [("--model", command.modelID), ("--version", command.version)]
        options += [("--format", command.format), ("--tenant", command.tenant)]
        options += command.metadata.sorted { $0.key < $1.key }.map { ("--metadata", "\($0.key)=\($0.value)") }
        let words = options.flatMap { $1.hasPrefix("-") ? ["\($0)=\($1)"] : [$0, $1] }
        return (["nlu-export-worker", "submit"] + words).map(ShellText.quoted).joined(separator: " ")
    }
}

/// Words for a shell.
enum ShellText {
    /// The word as a POSIX shell reads it back.
    static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-_./=:,+@%".utf8.contains(byte)
                }
            }
        return isPlain
            ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
