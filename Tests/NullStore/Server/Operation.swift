// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a request asks for.
enum Operation: String, CaseIterable {
    case headBucket = "HeadBucket"
    case createBucket = "CreateBucket"
    case deleteBucket = "DeleteBucket"
    case listObjects = "ListObjectsV2"
    case listUploads = "ListMultipartUploads"
    case headObject = "HeadObject"
    case getObject = "GetObject"
    case putObject = "PutObject"
    case deleteObject = "DeleteObject"
    case createUpload = "CreateMultipartUpload"
    case uploadPart = "UploadPart"
    case completeUpload = "CompleteMultipartUpload"
    case abortUpload = "AbortMultipartUpload"
}

/// A request, its head read.
struct StoreRequest {
    let operation: Operation
    let bucket: String
    let key: String
    let query: [String: String]
    /// Names in lower case.
    let headers: [(name: String, value: String)]

    /// Reads a head; path-style addresses only.
    init(
        method: String, path: Substring, query: Substring, headers: [(name: String, value: String)]
    ) throws(Refusal) {
        let path = path.dropFirst()
        let slash = path.firstIndex(of: "/") ?? path.endIndex
        bucket = PercentText.text(path[..<slash])
        key = PercentText.text(path[slash...].dropFirst())
        self.query = Dictionary(PercentText.parameters(query).map { ($0.name, $0.value) }) { first, _ in first }
        self.headers = headers
        guard !bucket.isEmpty, let operation = Self.operation(method, hasKey: !key.isEmpty, Set(self.query.keys)) else {
            throw Refusal(501, "NotImplemented", "\(method) \(path.prefix(200))?\(query.prefix(200))")
        }
        self.operation = operation
    }

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    private static func operation(_ method: String, hasKey: Bool, _ query: Set<String>) -> Operation? {
        switch (method, hasKey) {
        case ("HEAD", false): .headBucket
        case ("PUT", false): .createBucket
        case ("DELETE", false): .deleteBucket
        case ("GET", false): query.contains("uploads") ? .listUploads : query.contains("list-type") ? .listObjects : nil
        case ("HEAD", true): .headObject
        case ("GET", true): query.contains("uploadId") ? nil : .getObject
        case ("PUT", true): query.contains("uploadId") ? .uploadPart : .putObject
        case ("DELETE", true): query.contains("uploadId") ? .abortUpload : .deleteObject
        case ("POST", true):
            query.contains("uploads") ? .createUpload : query.contains("uploadId") ? .completeUpload : nil
        default: nil
        }
    }
}

/// An answer.
struct StoreAnswer {
    var status = 200
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// What HEAD says in place of the length of its empty body.
    var announcedLength: Int?

    static func xml(_ text: String, status: Int = 200) -> StoreAnswer {
        StoreAnswer(status: status, headers: [("content-type", "application/xml")], body: Array(text.utf8))
    }

    static func refusal(_ refusal: Refusal) -> StoreAnswer {
        xml(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>\(refusal.code)</Code>"
                + "<Message>\(XMLText.escaped(refusal.message))</Message></Error>", status: refusal.status)
    }
}
