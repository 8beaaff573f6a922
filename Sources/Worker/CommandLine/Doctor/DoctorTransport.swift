// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Cognigy
internal import ExportPipeline
internal import FoundationEssentials
internal import HTTPTransport
internal import ObjectStore
internal import Synchronization

/// Passes requests on and remembers of the last answer what no error and no result tells: the server's clock, how long
/// a token is good for, which way the transport failed.
final class DoctorTransport: S3Transport, CognigyTransport {
    /// What is remembered of an answer; never a body.
    struct Note: Sendable {
        /// The server's clock minus ours, in seconds; good to about a second.
        var clockDifference: Double?
        /// `expires_in` of a token answer, in seconds.
        var tokenLifetime: Double?
        var failure: HTTPError.Code?
    }

    private let client: HTTPClient
    private let now: @Sendable () -> Date
    private let note = Mutex(Note())

    init(_ client: HTTPClient, now: @escaping @Sendable () -> Date = { Date() }) {
        self.client = client
        self.now = now
    }

    var last: Note { note.withLock { $0 } }

    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let sentAt = now()
        do throws(HTTPError) {
            let response = try await client.exchange(request)
            let seen = Self.note(response, sentAt: sentAt, receivedAt: now())
            note.withLock { $0 = seen }
            return response
        } catch {
            note.withLock { $0 = Note(failure: error.code) }
            throw error
        }
    }

    func openBody(_ request: HTTPRequest) async throws(HTTPError) -> any S3Body {
        try await client.openBody(request)
    }

    func openBody(
        _ request: HTTPRequest, redirects: RedirectPolicy
    ) async throws(HTTPError) -> any ArtifactBody {
        try await client.openBody(request, redirects: redirects)
    }

    static func note(_ response: HTTPResponse, sentAt: Date, receivedAt: Date) -> Note {
        var note = Note()
        if let text = response.headers["date"], let date = Self.date(text) {
            // The header is cut to whole seconds: half a second is its expected value.
            let middle = sentAt.addingTimeInterval(receivedAt.timeIntervalSince(sentAt) / 2)
            note.clockDifference = date.timeIntervalSince(middle) + 0.5
        }
        let lifetime = (try? StrictJSON.parse(response.body))?["expires_in"]
        note.tokenLifetime = lifetime?.double ?? lifetime?.string.flatMap { Double($0) }
        return note
    }

    /// Reads a date in HTTP's one current form, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
    private static func date(_ text: String) -> Date? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return try? Date("\(words[3])-\(number)-\(words[1])T\(words[4])Z", strategy: .iso8601)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
