// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TenantState {
    static let tokenPrefix = "simtok_"

    /// Counts a request and its answer.
    mutating func write(_ call: Call, _ endpoint: Endpoint, _ reply: Reply) {
        let request = call.request
        log.requests[endpoint.rawValue, default: 0] += 1
        log.answers["\(endpoint.rawValue) \(reply.label)", default: 0] += 1
        if request.listener == .download { log.downloadHostRequests += 1 }
        if let model = call.subject.model,
            log.requestsByModel[model] != nil || log.requestsByModel.count < configuration.logLimit
        {
            log.requestsByModel[model, default: [:]][endpoint.rawValue, default: 0] += 1
        }
        log.recent.append(
            RequestRecord(
                number: requestNumber, at: call.now.elapsed.inSeconds, listener: request.listener,
                endpoint: endpoint, method: request.method, path: String(request.path), model: call.subject.model,
                client: call.subject.client, traceparent: request.header("traceparent"),
                correlationID: request.header("x-correlation-id"), answer: reply.label),
            keeping: configuration.logLimit)
    }

    /// Writes down every credential in a request to the download host.
    mutating func noteLeaks(_ request: SimulatorRequest) {
        let secrets = [Self.tokenPrefix, configuration.clientSecret, faults.clientSecret].compactMap { $0 }
        func isOurs(_ text: String) -> Bool { secrets.contains { !$0.isEmpty && text.contains($0) } }
        let path = String(request.path)
        if isOurs(request.target) {
            log.leaks.append(LeakRecord(place: "url", path: path, isOurs: true), keeping: configuration.logLimit)
        }
        for (name, value) in request.headers {
            let name = name.lowercased()
            let isCredential = ["authorization", "proxy-authorization", "cookie", "x-api-key"].contains(name)
            guard isCredential || isOurs(value) else { continue }
            log.leaks.append(
                LeakRecord(place: name, path: path, isOurs: isOurs(value)), keeping: configuration.logLimit)
        }
    }

    /// Begins a transfer's entry and returns its number.
    mutating func beginDownload(_ job: Job, _ listener: Listener, status: Int, _ transfer: ArtifactTransfer) -> Int {
        downloadNumber += 1
        log.openDownloads += 1
        log.peakDownloads = max(log.peakDownloads, log.openDownloads)
        log.downloads.append(
            DownloadRecord(
                number: downloadNumber, jobID: job.id, modelID: job.model, listener: listener, status: status,
                offset: transfer.sent.lowerBound, announced: transfer.announced),
            keeping: configuration.logLimit)
        return downloadNumber
    }

    /// Completes a transfer's entry.
    mutating func endDownload(_ number: Int, sent: Int) {
        guard let first = log.downloads.first?.number else { return }
        log.openDownloads = max(0, log.openDownloads - 1)
        let index = number - first
        guard log.downloads.indices.contains(index) else { return }
        log.downloads[index].sent = sent
    }

    /// The log with the jobs as they stand.
    var snapshot: SimulatorLog {
        var log = log
        log.jobs = jobOrder.compactMap { jobs[$0]?.record }
        return log
    }
}
