// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// The header fields of calls; the user agent is the transport's.
enum RequestHeaders {
    /// Names that only the tenant's own origin may see.
    static let credentialNames: Set<String> = ["authorization", "x-api-key", "cookie"]
    private static let maximumCorrelationBytes = 256

    /// The fields that carry a command's context on.
    static func context(_ context: CallContext) -> HTTPHeaders {
        var headers = HTTPHeaders()
        if let traceparent = TraceContext.traceparent(context.traceparent) {
            headers["traceparent"] = traceparent
            headers["tracestate"] = TraceContext.tracestate(context.tracestate)
        }
        headers["X-Correlation-ID"] = context.correlationID.flatMap(sendable)
        return headers
    }

    /// The fields that authorize a call of the tenant's own origin.
    static func add(_ credentials: Credentials, to headers: inout HTTPHeaders) {
        headers["Authorization"] = "Bearer \(credentials.token)"
        headers["X-API-Key"] = credentials.apiKey
    }

    /// A foreign id where a header may hold it, else nil: no line end gets into a request.
    private static func sendable(_ text: String) -> String? {
        let isShort = (1...maximumCorrelationBytes).contains(text.utf8.count)
        return isShort && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : nil
    }
}
