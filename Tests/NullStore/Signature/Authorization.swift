// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What an `Authorization` header of Signature Version 4 says.
struct Authorization: Equatable {
    let accessKey: String
    /// `20261123`
    let day: String
    let region: String
    let service: String
    /// In their order, lower case.
    let signedHeaders: [String]
    /// Hexadecimal.
    let signature: String

    /// `20261123/us-east-1/s3/aws4_request`
    var scope: String { "\(day)/\(region)/\(service)/aws4_request" }

    /// Reads a header; nil where it is not of that kind.
    init?(_ header: String) {
        guard let blank = header.firstIndex(of: " "), header[..<blank] == "AWS4-HMAC-SHA256" else { return nil }
        var fields: [Substring: Substring] = [:]
        for field in header[blank...].split(separator: ",") {
            let field = field.drop { $0 == " " }
            guard let equals = field.firstIndex(of: "=") else { return nil }
            fields[field[..<equals]] = field[field.index(after: equals)...]
        }
        guard let credential = fields["Credential"]?.split(separator: "/", omittingEmptySubsequences: false),
            credential.count == 5, credential[4] == "aws4_request",
            let names = fields["SignedHeaders"], let signature = fields["Signature"], signature.utf8.count == 64
        else { return nil }
        accessKey = String(credential[0])
        day = String(credential[1])
        region = String(credential[2])
        service = String(credential[3])
        signedHeaders = names.split(separator: ";").map(String.init)
        self.signature = String(signature)
    }
}
