// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What all connections share.
final class Shop: Sendable {
    let verifier: SignatureVerifier
    let ledger = Ledger()
    let vault = Vault()

    init(verifier: SignatureVerifier) { self.verifier = verifier }

    /// Seconds since 1970.
    func now() -> Int { time(nil) }

    /// Checks what the head of a request says.
    func admit(
        _ method: String, _ path: Substring, _ query: Substring, _ headers: [(name: String, value: String)]
    ) throws(Refusal) -> (StoreRequest, BodyReceiver) {
        let subject = SignatureVerifier.Subject(method: method, path: path, query: query, headers: headers)
        if let refusal = verifier.refusal(of: subject, now: now()) { throw refusal }
        let request = try StoreRequest(method: method, path: path, query: query, headers: headers)
        let limit = request.operation == .completeUpload ? 4 << 20 : BodyReceiver.keptBytes
        return (request, BodyReceiver(try BodyChecks(request.bodyHeaders), keeping: limit))
    }

    /// Carries out a request that has come whole.
    func answer(_ request: StoreRequest, _ receiver: BodyReceiver) -> StoreAnswer {
        do throws(Refusal) {
            let body = try receiver.finish()
            let answer = try vault.answer(request, body, now: now())
            ledger.note(request.operation, body)
            return answer
        } catch {
            ledger.note(error)
            return .refusal(error)
        }
    }

    /// Answers under `/_bench/`, unsigned: `ledger`, and `clear`, which forgets all objects.
    func answer(own path: String) -> StoreAnswer {
        switch path {
        case "ledger":
            return StoreAnswer(headers: [("content-type", "application/json")], body: Array(ledger.json.utf8))
        case "clear":
            vault.clear()
            return StoreAnswer(status: 204)
        default: return .refusal(Refusal(404, "NotFound", "there are /_bench/ledger and /_bench/clear"))
        }
    }
}

extension StoreRequest {
    /// The headers that speak of the body: a completion's checksum is that of the object.
    var bodyHeaders: [(name: String, value: String)] {
        guard operation == .completeUpload || operation == .createUpload else { return headers }
        return headers.filter { !$0.name.hasPrefix("x-amz-checksum-") }
    }
}
