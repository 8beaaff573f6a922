// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import XMLCoder

/// The XML answers of S3, as far as we read them; unknown elements are ignored.
enum S3XML {
    /// Reads an answer; nil where it is not the document asked for.
    static func decode<Document: Decodable>(_ type: Document.Type, from body: [UInt8]) -> Document? {
        guard body.contains(UInt8(ascii: "<")) else { return nil }
        let decoder = XMLDecoder()
        decoder.shouldProcessNamespaces = true
        return try? decoder.decode(type, from: Data(body))
    }

    /// Text made fit for an element.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }

    /// The name of the first element, without its prefix: a 200 may carry an `Error`.
    static func rootElement(of body: [UInt8]) -> String? {
        var rest = body[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            let name = rest[(open + 1)...].prefix { !" \t\r\n/>".utf8.contains($0) }
            guard let first = name.first else { return nil }
            if first != UInt8(ascii: "?"), first != UInt8(ascii: "!") {
                return String(decoding: name, as: UTF8.self).split(separator: ":").last.map(String.init)
            }
            rest = rest[(open + 1)...]
        }
        return nil
    }
}

/// The body of a failure.
struct S3ErrorDocument {
    private struct Content: Decodable {
        let Code: String?
        let Message: String?
        let RequestId: String?
        let Region: String?
    }

    let code: String
    let message: String
    let requestID: String?
    let region: String?

    init?(_ body: [UInt8]) {
        guard S3XML.rootElement(of: body) == "Error", let content = S3XML.decode(Content.self, from: body),
            let code = content.Code
        else { return nil }
        self.code = ByteText.cleaned(code, limit: 64)
        message = content.Message ?? ""
        requestID = content.RequestId.map { ByteText.cleaned($0, limit: 128) }
        region = content.Region.map { ByteText.cleaned($0, limit: 64) }
    }
}

struct InitiateMultipartUploadResult: Decodable {
    let UploadId: String
}

struct CompleteMultipartUploadResult: Decodable {
    let ETag: String
    let ChecksumCRC32C: String?
    let ChecksumType: String?
}

struct ListMultipartUploadsResult: Decodable {
    struct Upload: Decodable {
        let Key: String
        let UploadId: String
        let Initiated: String?
    }

    let Upload: [Upload]?
    let IsTruncated: Bool?
    let NextKeyMarker: String?
    let NextUploadIdMarker: String?
}

struct ListBucketResult: Decodable {
    struct Object: Decodable {
        let Key: String
        let ETag: String?
        let Size: Int?
        let LastModified: String?
    }

    let Contents: [Object]?
    let IsTruncated: Bool?
    let NextContinuationToken: String?
}
