// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
package import Logging
internal import Synchronization

/// A bucket of an S3-compatible store: signs requests, reads answers, repeats what may be repeated.
///
/// Reads, unconditional puts, parts and deletes are repeated a few times by themselves. A conditional write is sent
/// once: after an error with `mayHaveHappened` the caller reads back what is there. A refusal for the clock or for
/// expired credentials is no write at all, so every request is signed again once after one of these.
package final class S3Client: Sendable {
    package let configuration: S3Configuration
    let credentials: any CredentialsProvider
    let transport: any S3Transport
    let surroundings: S3Surroundings
    let logger: Logger
    private let signer: SigV4Signer
    /// What the store's clock is ahead of ours, in seconds, once it has refused us for the difference.
    private let clockOffset = Atomic<Int64>(0)

    package init(
        configuration: S3Configuration, credentials: any CredentialsProvider, transport: any S3Transport,
        logger: Logger, surroundings: S3Surroundings = .live
    ) {
        self.configuration = configuration
        self.credentials = credentials
        self.transport = transport
        self.logger = logger
        self.surroundings = surroundings
        signer = SigV4Signer(region: configuration.region)
    }

    /// The location of a key as events name it: `s3://bucket/key`.
    package func location(of key: String) -> String { "s3://\(configuration.bucket)/\(key)" }

    /// Makes a call and returns its successful answer, whole.
    func perform(_ call: S3Call) async throws(S3Error) -> HTTPResponse {
        try await repeating(call) { request throws(S3Error) in
            let response = try await exchange(request, for: call)
            guard (200..<300).contains(response.status) else { throw failure(response, of: call) }
            return response
        }
    }

    /// Makes a call and returns its successful answer with the body still to be read.
    func open(_ call: S3Call) async throws(S3Error) -> any S3Body {
        try await repeating(call) { request throws(S3Error) in
            let body = try await openBody(request, for: call)
            if (200..<300).contains(body.status) { return body }
            let document: [UInt8]
            do throws(HTTPError) {
                document = try await body.readAll(maximum: 1 << 16)
            } catch {
                throw failure(error, of: call)
            }
            throw failure(HTTPResponse(status: body.status, headers: body.headers, body: document), of: call)
        }
    }

    private func exchange(_ request: HTTPRequest, for call: S3Call) async throws(S3Error) -> HTTPResponse {
        do {
            return try await transport.exchange(request)
        } catch {
            throw failure(error, of: call)
        }
    }

    private func openBody(_ request: HTTPRequest, for call: S3Call) async throws(S3Error) -> any S3Body {
        do {
            return try await transport.openBody(request)
        } catch {
            throw failure(error, of: call)
        }
    }

    // What does not wait is not inlined into what does, which would keep room for it while it waits.

    @inline(never)
    private func failure(_ error: HTTPError, of call: S3Call) -> S3Error {
        .transport(error, to: call, target: configuration.target(call.key))
    }

    @inline(never)
    private func failure(_ response: HTTPResponse, of call: S3Call) -> S3Error {
        .answer(response, to: call, target: configuration.target(call.key), region: configuration.region)
    }

    /// Signs, tries, and tries again where that makes sense.
    private func repeating<Answer>(
        _ call: S3Call, _ attempt: (HTTPRequest) async throws(S3Error) -> Answer
    ) async throws(S3Error) -> Answer {
        try call.validate()
        var tries = 1
        var (mayAdoptClock, mayRenew) = (true, true)
        while true {
            let used = try await credentials.credentials()
            let failure: S3Error
            do {
                return try await attempt(signed(call, with: used))
            } catch {
                failure = error
            }
            if mayAdoptClock, adoptClock(after: failure) {
                mayAdoptClock = false
            } else if mayRenew, try await renewed(used, after: failure) {
                mayRenew = false
            } else {
                guard call.isRepeatable, failure.isRetriable, tries < configuration.retry.attempts else {
                    throw failure
                }
                try await pause(after: tries, failure)
                tries += 1
            }
        }
    }

    private func pause(after tries: Int, _ failure: S3Error) async throws(S3Error) {
        logger.debug(
            "Repeating a request to the object store",
            metadata: [
                "s3.error": "\(failure.kind.rawValue)", "s3.attempt": "\(tries)", "s3.message": "\(failure.message)",
            ])
        let pause = configuration.retry.pause(
            after: tries, asked: failure.retryAfter, chance: surroundings.chance())
        do {
            try await surroundings.sleep(pause)
        } catch {
            throw S3Error.wrapping(error, as: .cancelled, "Waiting for the object store was interrupted.")
        }
    }

    /// Takes over the store's clock after it has refused ours; false where that would change nothing.
    @inline(never)
    private func adoptClock(after failure: S3Error) -> Bool {
        guard let serverTime = failure.serverTime else { return false }
        let local = surroundings.now()
        let difference = serverTime - (local + clockOffset.load(ordering: .relaxed))
        // The answer to HEAD has no body to name its reason; five minutes of difference are reason enough.
        let isSkew = failure.kind == .clockSkew ? abs(difference) > 30 : failure.isUnexplained && abs(difference) > 300
        guard isSkew else { return false }
        clockOffset.store(serverTime - local, ordering: .relaxed)
        logger.warning(
            "Adopted the object store's clock; set this machine's clock",
            metadata: ["s3.clock.offset.seconds": "\(serverTime - local)"])
        return true
    }

    /// Reads credentials again after a refusal; false where they are the same as before.
    private func renewed(_ used: S3Credentials, after failure: S3Error) async throws(S3Error) -> Bool {
        guard [.expiredCredentials, .badSignature].contains(failure.kind) || failure.isUnexplained else { return false }
        await credentials.invalidate()
        return try await credentials.credentials() != used
    }

    @inline(never)
    private func signed(_ call: S3Call, with credentials: S3Credentials) -> HTTPRequest {
        let date = UTCDate(secondsSince1970: surroundings.now() + clockOffset.load(ordering: .relaxed))
        let payloadHash = call.payloadHash
        var headers = call.headers
        headers.append(("x-amz-date", date.timestamp))
        headers.append(("x-amz-content-sha256", payloadHash))
        if let token = credentials.sessionToken { headers.append(("x-amz-security-token", token)) }
        let path = configuration.path(of: call.key)
        let canonical = CanonicalRequest(
            method: call.method.rawValue, path: path, query: call.query,
            headers: headers + [("host", configuration.host)], payloadHash: payloadHash)
        let signature = signer.sign(canonical, credentials: credentials, date: date)
        var fields = HTTPHeaders()
        for header in headers { fields.add(header.name, header.value) }
        fields.add("authorization", signature.authorization)
        let query = canonical.query.isEmpty ? "" : "?" + canonical.query
        return HTTPRequest(
            method: call.method, url: "\(configuration.endpoint.scheme)://\(configuration.host)\(path)\(query)",
            headers: fields, body: call.body, timeouts: call.timeouts,
            maximumResponseBytes: call.maximumResponseBytes, trust: configuration.trust)
    }
}
