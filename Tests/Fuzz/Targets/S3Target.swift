// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import ExportPipeline
@testable import HTTPTransport
@testable import ObjectStore

extension FuzzTarget {
    /// The input is an HTTP answer: head, empty line, body.
    static let s3 = FuzzTarget(name: "s3", summary: "S3's answers: XML documents, errors, object headers") { input in
        guard let response = HTTPAnswerText.response(input) else { return }
        for call in [
            S3Call(operation: "GetObject", method: .get, key: "models/a", timeouts: HTTPTimeouts()),
            S3Call(operation: "HeadBucket", method: .head, timeouts: HTTPTimeouts()),
        ] {
            try check(S3Error.answer(response, to: call, target: "s3://bucket/models/a", region: "us-east-1"))
        }
        if let info = S3ObjectInfo(response.headers) { try check(info) }
        try checkDocuments(response.body)
    }

    private static func check(_ error: S3Error) throws {
        try claimPrintable(error.description, "the reason")
        if let wait = error.retryAfter { try claim((.zero...(.seconds(300))).contains(wait), "a wait of \(wait)") }
        try claim(error.code.utf8.count <= 67, "a code of \(error.code.utf8.count) bytes")
        try claim((error.requestID?.utf8.count ?? 0) <= 515, "a long request id")
    }

    private static func check(_ info: S3ObjectInfo) throws {
        try claim(info.size >= 0, "an object of \(info.size) bytes")
        for (name, value) in info.metadata {
            let headers = try? ObjectMetadata.headers([name: value])
            guard let header = headers?.first else { continue }
            try claim(header.value.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "the header \(header.value)")
            try claimSame(ObjectMetadata.decoded(header.value), value, "metadata written and read again")
        }
    }

    /// Nothing grows on the way, and what is written of a text is read as that text.
    private static func checkDocuments(_ body: [UInt8]) throws {
        _ = S3XML.decode(InitiateMultipartUploadResult.self, from: body)
        _ = S3XML.decode(CompleteMultipartUploadResult.self, from: body)
        _ = S3XML.decode(ListMultipartUploadsResult.self, from: body)
        if let listing = S3XML.decode(ListBucketResult.self, from: body) {
            try claim(listing.objects.allSatisfy { $0.size >= 0 }, "an object of less than nothing")
        }
        guard let root = XMLReader.parse(body) else { return }
        let bytes = try measure(root, depth: 1)
        try claim(bytes <= body.count, "\(bytes) bytes of text from \(body.count)")
        try claimSame(XMLReader.parse(Array(written(root).utf8)), root, "a document written and read again")
    }

    private static func measure(_ element: XMLElement, depth: Int) throws -> Int {
        try claim(depth <= XMLReader.maximumDepth, "elements \(depth) deep")
        let inside = try element.children.reduce(0) { try $0 + measure($1, depth: depth + 1) }
        return inside + element.text.utf8.count + element.name.utf8.count
    }

    private static func written(_ element: XMLElement) -> String {
        let inside = S3XML.escaped(element.text) + element.children.map(written).joined()
        return "<\(element.name)>\(inside)</\(element.name)>"
    }
}
