// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The parts of a request that a signature covers, brought into the one form both sides agree on.
///
/// Source: AWS, "Create a signed AWS API request", canonical request.
struct CanonicalRequest {
    /// A query parameter that is not encoded yet; one without a value (`?uploads`) has an empty one.
    typealias Parameter = (name: String, value: String)

    let method: String
    /// The path as it stands in the URL, encoded once.
    let path: String
    /// Encoded and sorted; also what has to stand in the URL.
    let query: String
    /// Lower-case names, trimmed values, sorted; includes `host`.
    let headers: [(name: String, value: String)]
    /// Hexadecimal SHA-256 of the body, or one of the words S3 knows instead.
    let payloadHash: String

    init(
        method: String, path: String, query: [Parameter], headers: [(name: String, value: String)],
        payloadHash: String
    ) {
        self.method = method
        self.path = path.isEmpty ? "/" : path
        self.query = Self.canonicalQuery(query)
        self.headers = Self.canonicalHeaders(headers)
        self.payloadHash = payloadHash
    }

    /// The names that are signed, `;` between them.
    var signedHeaders: String { headers.map(\.name).joined(separator: ";") }

    /// The text whose hash is signed.
    var text: String {
        var result = "\(method)\n\(path)\n\(query)\n"
        for header in headers { result += "\(header.name):\(header.value)\n" }
        return result + "\n\(signedHeaders)\n\(payloadHash)"
    }

    /// Encodes, then sorts by encoded name and value, byte by byte.
    static func canonicalQuery(_ parameters: [Parameter]) -> String {
        parameters
            .map { (name: URIEncoding.component($0.name), value: URIEncoding.component($0.value)) }
            .sorted { ($0.name, $0.value) < ($1.name, $1.value) }
            .map { "\($0.name)=\($0.value)" }
            .joined(separator: "&")
    }

    /// Lower-cases names, trims values and collapses blanks; values of one name are joined by commas in their order.
    private static func canonicalHeaders(
        _ headers: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        for (name, value) in headers {
            let (name, value) = (name.lowercased(), collapsed(value))
            if let index = result.firstIndex(where: { $0.name == name }) {
                result[index].value += "," + value
            } else {
                result.append((name, value))
            }
        }
        return result.sorted { $0.name < $1.name }
    }

    private static func collapsed(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 32 || $0 == 9 }) else { return value }
        return value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    }
}
