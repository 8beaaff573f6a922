// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TenantState {
    private struct JobPage: Encodable {
        var jobId: String
        var exportId: String
        var status: String
        var progress: Int
        var errorMessage: String?
        var downloadUrl: String?
    }

    /// `GET /api/v1/jobs/{jobId}`
    mutating func jobPage(_ id: String, _ call: Call) -> Reply {
        guard let job = jobs[id] else { return Reply(.error(404, "not_found", "no such job")) }
        jobs[id]?.polls += 1
        let behaviour = behaviour(for: call.subject).poll
        return play(behaviour?.faults, call, job: job.number) { state, _ in
            Reply(.json(200, state.page(of: job, behaviour, call)))
        }
    }

    private mutating func page(of job: Job, _ behaviour: PollBehaviour?, _ call: Call) -> JobPage {
        let (status, progress) = job.standing(
            at: call.now, behaviour: behaviour, defaultDuration: configuration.jobDuration)
        var page = JobPage(jobId: job.id, exportId: job.exportID, status: status, progress: progress)
        guard progress == 100 else { return page }
        if status == "COMPLETED" {
            if job.completedPolls >= behaviour?.link?.missing ?? 0 {
                page.downloadUrl = link(to: job, behaviour?.link, call)
            }
            jobs[job.id]?.completedPolls += 1
        } else {
            page.errorMessage = behaviour?.errorMessage
        }
        return page
    }

    private func link(to job: Job, _ behaviour: LinkBehaviour?, _ call: Call) -> String {
        let origins = origins(of: call.request)
        if let url = behaviour?.url { return origins.fill(url) }
        let lifetime = behaviour?.lifetime?.duration ?? configuration.linkLifetime
        let expires = Int((call.now.unix + lifetime.inSeconds) * 1000)
        switch behaviour?.kind ?? configuration.linkKind {
        case .own: return origins.api + "/api/v1" + LinkSignature.path(job: job.id, .api, expires: expires)
        case .relative:
            return configuration.basePath + "/api/v1" + LinkSignature.path(job: job.id, .api, expires: expires)
        case .signed: return origins.download + LinkSignature.path(job: job.id, .download, expires: expires)
        }
    }

    /// The base URLs as the sender of a request would name them.
    func origins(of request: SimulatorRequest) -> Origins {
        let host = request.header("host") ?? configuration.host
        let name = Origins.hostName(of: host)
        // A client that reaches the API through a proxy's port finds the links behind that port too.
        let authority = request.listener == .api && name.count < host.count ? host : "\(name):\(apiPort)"
        let api = configuration.publicURL ?? "http://\(authority)\(configuration.basePath)"
        let download = configuration.publicDownloadURL ?? "http://\(name):\(downloadPort)"
        return Origins(api: api, download: download)
    }
}

/// The base URLs of both listeners.
struct Origins: Sendable {
    var api: String
    var download: String

    /// Puts the base URLs in the places of `{api}` and `{download}`.
    func fill(_ template: String) -> String {
        template.split(separator: "{api}", omittingEmptySubsequences: false).joined(separator: api)
            .split(separator: "{download}", omittingEmptySubsequences: false).joined(separator: download)
    }

    /// The host of `host:port`, brackets kept.
    static func hostName(of host: String) -> Substring {
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else { return host[...] }
        return host[..<colon]
    }
}
