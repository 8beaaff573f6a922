// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TenantState {
    /// `GET` or `HEAD` of an artifact, on either listener.
    mutating func download(job id: String, _ call: Call) -> Reply {
        let request = call.request
        guard let job = jobs[id] else { return Reply(.error(404, "not_found", "no such artifact")) }
        jobs[id]?.downloads += 1
        let query = request.query
        guard LinkSignature.isValid(query, job: id, request.listener, at: call.now) else {
            return Reply(.error(403, "link_expired", "the link has expired or its signature is wrong"))
        }
        var call = call
        call.subject.client = job.client
        let behaviour = behaviour(for: call.subject)
        let hop = query["hop"].flatMap { Int($0) } ?? 0
        if let redirect = behaviour.download?.redirect, redirect.applies(atHop: hop) {
            return Reply(self.redirect(redirect, job, hop: hop, expires: query["expires"] ?? "", call))
        }
        return play(behaviour.download?.faults, call, job: job.number) { state, damage in
            let size = behaviour.size ?? state.configuration.artifactSize
            let content = ArtifactContent(model: job.model, version: job.version, size: size.bytes)
            return Reply(state.serve(content, job, behaviour.download, damage, request))
        }
    }

    private func redirect(_ redirect: Redirect, _ job: Job, hop: Int, expires: String, _ call: Call) -> Answer {
        let origins = origins(of: call.request)
        let expires = Int(expires) ?? 0
        let location: String
        if let url = redirect.url {
            location = origins.fill(url)
        } else {
            let target = redirect.to == .own ? Listener.api : redirect.to == .loop ? call.request.listener : .download
            let base = target == .api ? origins.api + "/api/v1" : origins.download
            let next = redirect.to == .loop ? 0 : hop + 1
            location = base + LinkSignature.path(job: job.id, target, expires: expires, hop: next)
        }
        return Answer(status: redirect.status ?? 302).with("Location", location)
    }

    private mutating func serve(
        _ content: ArtifactContent, _ job: Job, _ behaviour: DownloadBehaviour?, _ damage: ContentFault?,
        _ request: SimulatorRequest
    ) -> Answer {
        let isChunked = behaviour?.chunked == true
        let ignoresRange = isChunked || behaviour?.ignoresRange == true
        let range: ByteRange = ignoresRange ? .whole : .parse(request, content)
        var answer = Answer(status: 200).with("Content-Type", "application/octet-stream")
            .with("ETag", content.entityTag)
        if !ignoresRange { answer = answer.with("Accept-Ranges", "bytes") }
        var bytes = 0..<content.size
        switch range {
        case .whole: break
        case .unsatisfiable:
            return .error(416, "range_not_satisfiable", "the range lies outside the artifact")
                .with("Content-Range", "bytes */\(content.size)")
        case .part(let part):
            bytes = part
            answer.status = 206
            answer = answer.with(
                "Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(content.size)")
        }
        var transfer = ArtifactTransfer(
            content: content, sent: bytes, announced: isChunked ? nil : bytes.count,
            bytesPerSecond: behaviour?.rate?.bytes)
        if let damage { transfer.suffer(damage) }
        if request.method != "HEAD" {
            transfer.number = beginDownload(job, request.listener, status: answer.status, transfer)
        }
        answer.body = .artifact(transfer)
        return answer
    }
}

extension Redirect {
    fileprivate func applies(atHop hop: Int) -> Bool {
        to == .loop || url != nil || hop < hops ?? 1
    }
}

extension ArtifactTransfer {
    /// Breaks the bytes as a fault wants it.
    fileprivate mutating func suffer(_ damage: ContentFault) {
        let start = sent.lowerBound
        let cut = start + min(damage.at?.bytes ?? sent.count / 2, sent.count)
        switch damage.kind {
        case .empty:
            sent = start..<start
            announced = announced.map { _ in 0 }
        case .truncated:
            sent = start..<cut
            ending = .close
        case .reset:
            sent = start..<cut
            ending = .reset
        case .stalled:
            sent = start..<cut
            ending = .stall
        case .longer:
            sent = start..<(sent.upperBound + (damage.at?.bytes ?? 1))
            ending = .close
        }
    }
}
