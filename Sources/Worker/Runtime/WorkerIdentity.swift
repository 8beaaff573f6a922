// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import Glibc

/// Who this process is, wherever it has to say so.
struct WorkerIdentity: Sendable, Hashable {
    let host: String
    let pid: Int32
    /// Unique for every start of every worker: host, process and a random part.
    let instance: String

    /// As audit records name the worker.
    var worker: String { "\(host)/\(pid)" }

    /// The name of one of its connections or consumers, as the broker's pages show it.
    func name(_ role: String) -> String { "nlu-export-worker \(worker) \(role)" }

    /// The tag of the consumer of `queue`: names host and process, so that the broker's pages say who holds what.
    func consumerTag(_ queue: String) -> String {
        "nlu-export-worker/\(worker)/\(queue)".prefixBytes(AMQPSubscription.maximumTagBytes)
    }

    static func current(environment: any PipelineEnvironment) -> WorkerIdentity {
        let host = hostName()
        let pid = getpid()
        let random = environment.uniqueID().prefix(8)
        return WorkerIdentity(host: host, pid: pid, instance: "\(host)-\(pid)-\(random)")
    }

    /// The host's name in characters that every place it goes to can hold.
    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let safe = text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
        return safe.isEmpty ? "localhost" : String(safe.prefix(64))
    }
}

extension String {
    /// The longest prefix of whole characters that fits into `limit` bytes.
    fileprivate func prefixBytes(_ limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var result = ""
        for character in self {
            guard result.utf8.count + String(character).utf8.count <= limit else { break }
            result.append(character)
        }
        return result
    }
}
