// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// Opens download links of the v1 API.
struct V1Downloader: ArtifactDownloader {
    private static let maximumRedirects = 5
    /// Content codings that leave the bytes of an artifact alone; S3 shows `aws-chunked` for some uploads.
    private static let plainCodings: Set<String> = ["", "identity", "aws-chunked"]

    private let session: TenantSession
    private let policy: DownloadPolicy

    init(session: TenantSession) {
        self.session = session
        policy = DownloadPolicy(
            base: session.configuration.base, downloadHosts: session.configuration.downloadHosts)
    }

    func openDownload(
        _ link: DownloadLink, of command: ExportCommand, context: CallContext
    ) async throws(StepError) -> any ArtifactBody {
        let url = try policy.url(of: link, tenant: session.configuration.name)
        let attempt = Attempt(
            url: url, subject: subject(command, url), request: request(url, context), context: context)
        guard policy.isOwn(url) else { return try checked(await open(attempt), attempt) }
        let first = try await openOwn(attempt)
        guard first.body.status == 401, isOwn(first.body) else { return try checked(first.body, attempt) }
        first.body.cancel()
        session.tokens.invalidate(first.credentials)
        return try checked(await openOwn(attempt).body, attempt)
    }

    func bodyFailure(_ error: HTTPError, of command: ExportCommand) -> StepError {
        let what = session.tokens.redactor.cleaned(error.description)
        let subject = "the artifact of model \(command.modelID) version \(command.version)"
        switch error.code {
        case .cancelled, .shutDown: return StepError(.interrupted, "\(subject) was not read to its end: \(what)")
        default: return StepError(.unreadable, "\(subject) came through damaged: \(what)")
        }
    }

    private struct Attempt {
        let url: WebURL
        let subject: String
        let request: HTTPRequest
        let context: CallContext
    }

    /// Opens a link of the API's own origin: with credentials, and in the tenant's pace.
    private func openOwn(
        _ attempt: Attempt
    ) async throws(StepError) -> (body: any ArtifactBody, credentials: Credentials) {
        let sentAt = try await session.gate.pass()
        let credentials = try await session.tokens.credentials()
        var authorized = attempt.request
        RequestHeaders.add(credentials, to: &authorized.headers)
        let body = try await open(attempt, authorized)
        // The tenant is slowed down by its own answers only, not by those of a host it redirected to.
        if isOwn(body) {
            do {
                try session.note(body.status, body.headers, sentAt: sentAt, subject: attempt.subject)
            } catch {
                body.cancel()
                throw error
            }
        }
        return (body, credentials)
    }

    private func open(
        _ attempt: Attempt, _ request: HTTPRequest? = nil
    ) async throws(StepError) -> any ArtifactBody {
        do {
            return try await session.transport.openBody(
                request ?? attempt.request,
                redirects: RedirectPolicy(
                    maximum: Self.maximumRedirects, credentialHeaders: RequestHeaders.credentialNames))
        } catch {
            throw failure(error, attempt)
        }
    }

    private func failure(_ error: HTTPError, _ attempt: Attempt) -> StepError {
        let redactor = session.tokens.redactor
        switch error.code {
        case .redirectRefused, .invalidRequest:
            return StepError(
                .permanent(.downloadRefused),
                "\(attempt.subject) was not followed: \(redactor.cleaned(error.description))")
        case .addressRefused:
            return StepError(
                .permanent(.downloadRefused),
                "\(attempt.subject) was not followed: \(redactor.cleaned(error.description)); list the host in "
                    + "downloadHosts of the tenant if it is to be trusted")
        case .tls where !policy.isOwn(attempt.url):
            return StepError(.transient(), "\(attempt.subject) failed: \(redactor.cleaned(error.description))")
        default:
            return TransportFailure(
                subject: attempt.subject, tenant: session.configuration.name, redactor: redactor
            ).stepError(for: error, isRepeatable: true)
        }
    }

    /// The body of a 200; what anything else means, by the failure policy.
    private func checked(_ body: any ArtifactBody, _ attempt: Attempt) throws(StepError) -> any ArtifactBody {
        guard let error = refusal(of: body, attempt) else { return body }
        body.cancel()
        throw error
    }

    private func refusal(of body: any ArtifactBody, _ attempt: Attempt) -> StepError? {
        let status = body.status
        func error(_ kind: StepError.Kind, _ tail: String = "") -> StepError {
            StepError(kind, "\(attempt.subject) was answered with \(status)\(tail)", httpStatus: status)
        }
        switch status {
        case 200: return damage(of: body).map { error(.unreadable, ", but with \($0)") }
        case 201..<300: return error(.unreadable, " instead of 200")
        case 300..<400: return error(.permanent(.downloadRefused), ", a redirect that leads nowhere")
        case 404, 410: return error(.linkExpired(notFound: true))
        case 429:
            let wait = RetryAfter.wait(in: body.headers, wallSeconds: session.clock.wallSeconds())
            return error(.throttled(retryAfter: wait))
        case 408, 425, 500...: return error(.transient())
        default: return error(.linkExpired(notFound: false), "; the job is asked for a fresh link")
        }
    }

    /// Says why a 200 cannot be an artifact; nil for none.
    private func damage(of body: any ArtifactBody) -> String? {
        if body.headers["Content-Type"]?.lowercased().hasPrefix("text/html") ?? false { return "an HTML page" }
        let coding = body.headers["Content-Encoding"]?.lowercased() ?? ""
        guard !Self.plainCodings.contains(coding) else { return nil }
        return "the content coding \(session.tokens.redactor.cleaned(coding, limit: 32)), which was not asked for"
    }

    private func isOwn(_ body: any ArtifactBody) -> Bool {
        (try? WebURL(body.url)).map(policy.isOwn) ?? false
    }

    private func request(_ url: WebURL, _ context: CallContext) -> HTTPRequest {
        let configuration = session.configuration
        var headers = RequestHeaders.context(context)
        headers["Accept"] = "*/*"
        headers["Accept-Encoding"] = "identity"
        return HTTPRequest(
            method: .get, url: url.string, headers: headers,
            timeouts: HTTPTimeouts(
                connect: configuration.timeouts.connect, response: configuration.timeouts.downloadHead,
                stall: configuration.timeouts.stall),
            trust: TLSTrust(caFile: configuration.caFile), addressPolicy: policy.addresses)
    }

    private func subject(_ command: ExportCommand, _ url: WebURL) -> String {
        "the download of model \(command.modelID) version \(command.version) of tenant "
            + "\(session.configuration.name) from \(url.origin)"
    }
}
