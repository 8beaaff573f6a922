// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// An answer of a tenant with what can be read of it.
struct Answer: Sendable {
    /// The longest excerpt of a remote text in a message, in bytes.
    private static let excerptBytes = 512
    private static let messageNames = ["message", "error_description", "errorMessage", "detail", "error", "title"]

    let status: Int
    let headers: HTTPHeaders
    /// The body where it is JSON by the strict rules, else nil.
    let json: JSONValue?
    private let body: [UInt8]
    private let redactor: Redactor

    init(_ response: HTTPResponse, redactor: Redactor) {
        status = response.status
        headers = response.headers
        body = response.body
        json = try? StrictJSON.parse(response.body)
        self.redactor = redactor
    }

    /// Whether a person's page came instead of an API's answer: from a proxy, a gateway, a login.
    var isHTML: Bool {
        guard json == nil else { return false }
        if headers["Content-Type"]?.lowercased().hasPrefix("text/html") ?? false { return true }
        let start = body.drop { $0 <= 0x20 || $0 >= 0xBB }.prefix(15)
        let text = String(decoding: start, as: UTF8.self).lowercased()
        return text.hasPrefix("<!doctype html") || text.hasPrefix("<html")
    }

    /// The status with what the body says, cleaned: `403 ("scope missing")`, `502 (an HTML page, "Bad Gateway")`.
    var summary: String {
        "\(status) (\(content))"
    }

    /// The text of a member, without secrets, cleaned and cut; nil where it is no string or nothing is left of it.
    func text(_ name: String, limit: Int = RemoteText.maximumBytes) -> String? {
        guard let text = json?[name]?.string else { return nil }
        let cleaned = redactor.cleaned(text, limit: limit)
        return cleaned.isEmpty ? nil : cleaned
    }

    /// ` to <origin>` of a redirect's target, as far as it can be read; the rest of it may be secret.
    func redirectTarget(from url: WebURL) -> String {
        guard let location = headers["Location"], let target = try? url.resolving(relative: location) else { return "" }
        return " to \(target.origin)"
    }

    private var content: String {
        if body.isEmpty { return "an empty body" }
        if let json { return message(in: json).map { "\"\($0)\"" } ?? "JSON without a message" }
        guard isHTML else {
            let kind = headers["Content-Type"].map { redactor.cleaned($0, limit: 64) } ?? "no content type"
            return "no JSON but \(kind): \"\(redactor.cleaned(String(decoding: body, as: UTF8.self), limit: 160))\""
        }
        return title.map { "an HTML page, \"\($0)\"" } ?? "an HTML page"
    }

    /// The message of an error answer, wherever the usual names put it.
    private func message(in json: JSONValue) -> String? {
        for name in Self.messageNames {
            let text = json[name]?.string ?? json[name]?["message"]?.string
            guard let text else { continue }
            let cleaned = redactor.cleaned(text, limit: Self.excerptBytes)
            if !cleaned.isEmpty { return cleaned }
        }
        return nil
    }

    private var title: String? {
        let page = String(decoding: body.prefix(16_384), as: UTF8.self)
        let lower = page.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        guard let start = Self.index(after: "<title>", in: lower, from: 0),
            let end = Self.index(after: "</title", in: lower, from: start)
        else { return nil }
        let bytes = Array(page.utf8)[start..<(end - "</title".utf8.count)]
        let text = redactor.cleaned(String(decoding: bytes, as: UTF8.self), limit: 120)
        return text.isEmpty ? nil : text
    }

    private static func index(after text: String, in bytes: [UInt8], from start: Int) -> Int? {
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count + start else { return nil }
        for index in start...(bytes.count - wanted.count) where bytes[index...].starts(with: wanted) {
            return index + wanted.count
        }
        return nil
    }
}
