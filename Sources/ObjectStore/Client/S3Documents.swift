// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A document that a service answers with; elements nobody asked for are ignored.
protocol S3Document {
    /// The name of its root.
    static var root: String { get }

    /// Reads the elements inside the root; nil where one that must be there is not.
    init?(_ element: XMLElement)
}

/// The XML of S3 and STS.
enum S3XML {
    /// Reads an answer; nil where it is not the document asked for.
    static func decode<Document: S3Document>(_ type: Document.Type, from body: [UInt8]) -> Document? {
        guard let root = XMLReader.parse(body), root.name == type.root else { return nil }
        return type.init(root)
    }

    /// Text made fit for an element.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}

/// The body of a failure; a 200 may carry one, too.
struct S3ErrorDocument: S3Document {
    static let root = "Error"

    /// Cleaned and bounded, as are id and region.
    let code: String
    let message: String
    let requestID: String?
    let region: String?

    init?(_ element: XMLElement) {
        guard let code = element.text(of: "Code") else { return nil }
        self.code = ByteText.cleaned(code, limit: 64)
        message = ByteText.cleaned(element.text(of: "Message") ?? "")
        requestID = element.text(of: "RequestId").map { ByteText.cleaned($0, limit: 128) }
        region = element.text(of: "Region").map { ByteText.cleaned($0, limit: 64) }
    }
}

struct InitiateMultipartUploadResult: S3Document {
    static let root = "InitiateMultipartUploadResult"

    let uploadID: String

    init?(_ element: XMLElement) {
        guard let id = element.text(of: "UploadId"), !id.isEmpty else { return nil }
        uploadID = id
    }
}

struct CompleteMultipartUploadResult: S3Document {
    static let root = "CompleteMultipartUploadResult"

    let etag: String
    let checksumCRC32C: String?

    init?(_ element: XMLElement) {
        guard let etag = element.text(of: "ETag") else { return nil }
        self.etag = etag
        checksumCRC32C = element.text(of: "ChecksumCRC32C")
    }
}

struct ListMultipartUploadsResult: S3Document {
    static let root = "ListMultipartUploadsResult"

    let uploads: [S3PendingUpload]

    init?(_ element: XMLElement) {
        var uploads: [S3PendingUpload] = []
        for upload in element.all("Upload") {
            // A key may begin and end with blanks.
            guard let key = upload["Key"]?.text, let id = upload.text(of: "UploadId") else { return nil }
            uploads.append(S3PendingUpload(key: key, uploadID: id, initiated: upload.text(of: "Initiated")))
        }
        self.uploads = uploads
    }
}

struct ListBucketResult: S3Document {
    static let root = "ListBucketResult"

    let objects: [S3ListedObject]
    /// Where the next page begins; nil on the last one.
    let next: String?

    init?(_ element: XMLElement) {
        var objects: [S3ListedObject] = []
        for object in element.all("Contents") {
            guard let key = object["Key"]?.text else { return nil }
            let size = object.text(of: "Size").map { Int($0) ?? -1 } ?? 0
            guard size >= 0 else { return nil }
            objects.append(
                S3ListedObject(
                    key: key, size: size, etag: object.text(of: "ETag"), lastModified: object.text(of: "LastModified")))
        }
        self.objects = objects
        let isTruncated = element.text(of: "IsTruncated").map { $0 == "true" || $0 == "1" } ?? false
        next = isTruncated ? element.text(of: "NextContinuationToken") : nil
    }
}
