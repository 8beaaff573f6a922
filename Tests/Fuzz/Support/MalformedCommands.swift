// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import TestKit

@testable import ExportPipeline

/// Commands with something wrong with them, by a seed: the same ones on every machine.
///
/// Half of them are broken on purpose, in a way that no reading can mend; the other half met with accidents, which now
/// and then leave a legal command.
enum MalformedCommands {
    struct Tally: Equatable {
        var refused = 0
        var accepted = 0
        /// Distinct reasons, so that a test can see that not one rule refused everything.
        var reasons: Set<String> = []
    }

    /// Parses `count` of them and checks every promise about each.
    static func run(count: Int, seed: UInt64) throws -> Tally {
        var random = SplitMix64(seed: seed)
        var tally = Tally()
        for index in 0..<count {
            let isBroken = index.isMultiple(of: 2)
            let message = isBroken ? broken(&random) : accident(&random)
            do {
                try CommandClaims.check(message)
            } catch {
                throw Finding(description: "message \(index) of seed \(seed): \(error): \(described(message))")
            }
            switch CommandParser.parse(message) {
            case .success:
                try claim(!isBroken, "message \(index) of seed \(seed) is taken for a command: \(described(message))")
                tally.accepted += 1
            case .failure(let invalid):
                tally.refused += 1
                tally.reasons.insert(String(invalid.failure.message.prefix(24)))
            }
        }
        return tally
    }

    private static func described(_ message: IncomingMessage) -> String {
        "\(message.contentType ?? "-") \(String(decoding: message.body, as: UTF8.self).debugDescription)"
    }

    private static let samples: [(body: String, contentType: String?)] = [
        (#"{"modelId":"intent_v2","version":"1.4.0"}"#, nil),
        (
            #"{"commandId":"c-1","tenant":"acme","modelId":"m","version":"1","format":"ONNX","metadata":{"a":"b","c":"d"}}"#,
            "application/json"
        ),
        (#"{"modelId":"ein Modell: \u00e4 模型","version":"1.4.0-rc.1","unknown":{"deep":[1,2.5e3,{"a":null}]}}"#, nil),
        (
            #"{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"modelId":"m","version":"1"}}"#,
            "application/cloudevents+json; charset=utf-8"
        ),
        (
            #"{"specversion":"1.0","id":"1","source":"s","data_base64":"eyJtb2RlbElkIjoibSIsInZlcnNpb24iOiIxLjAifQ=="}"#,
            "application/cloudevents+json"
        ),
    ]

    /// A sample after one to four accidents.
    private static func accident(_ random: inout SplitMix64) -> IncomingMessage {
        let sample = samples[random.below(samples.count)]
        var message = IncomingMessage(
            body: random.mutated(Array(sample.body.utf8)), contentType: sample.contentType, messageID: "m")
        if random.below(4) == 0 { message.messageID = String(decoding: random.bytes(upTo: 40), as: UTF8.self) }
        if random.below(8) == 0 { message.headers["ce-id"] = String(decoding: random.bytes(upTo: 8), as: UTF8.self) }
        if random.below(8) == 0 { message.headers["traceparent"] = random.text(56) }
        return message
    }

    /// What has to be refused, whatever else is in it.
    private static func broken(_ random: inout SplitMix64) -> IncomingMessage {
        let id = random.text(1 + random.below(20))
        let rest = #""version":"\#(random.text(3))","format":"\#(random.text(4))""#
        let hidden = ["\\u0000", "\\n", "\\u202e", "\\u200b", "/", "\\\\", "\u{7F}", "\u{2066}", "\\ufeff"]
        let body: String
        switch random.below(12) {
        case 0: body = #"{"modelId":"\#(id)\#(hidden[random.below(hidden.count)])","# + rest + "}"
        case 1: body = #"{"modelId":"\#(random.text(129 + random.below(400)))","# + rest + "}"
        case 2: body = #"{"modelId":\#(["1", "true", "[]", "{}", "null", "1e5"][random.below(6)]),"# + rest + "}"
        case 3: body = "{" + rest + "}"
        case 4: body = #"{"modelId":"\#(id)","# + rest + #","modelId":"\#(id)"}"#
        case 5: body = #"{"modelId":"\#(id)","# + rest
        case 6: body = #"{"modelId":"\#(id)","# + rest + "}" + ["}", "x", "{}", "\u{0}", ","][random.below(5)]
        case 7: body = #"{"modelId":"\#([".", "..", "", " " + id, id + " "][random.below(5)])","# + rest + "}"
        case 8:
            body = #"{"modelId":"\#(id)","# + rest + #","metadata":{"\#(["runId", "a/b", ""][random.below(3)])":"x"}}"#
        case 9:
            body = #"{"modelId":"\#(id)","# + rest + #","x":\#(String(repeating: "[", count: 33 + random.below(99)))"#
        case 10: body = "\u{FEFF}" + #"{"modelId":"\#(id)","# + rest + "}"
        default: return oversizedOrBinary(&random)
        }
        return IncomingMessage(body: Array(body.utf8), messageID: id)
    }

    private static func oversizedOrBinary(_ random: inout SplitMix64) -> IncomingMessage {
        if random.below(2) == 0 { return IncomingMessage(body: [], bodySize: 65_537 + random.below(1 << 40)) }
        // A byte that begins no JSON value, so that what follows does not matter.
        return IncomingMessage(body: [0x80 | UInt8(random.below(128))] + random.bytes(upTo: 80))
    }
}
