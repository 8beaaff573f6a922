// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import HTTPTransport
internal import ObjectStore
internal import Synchronization

/// A bucket in memory that answers as S3 does, with faults on demand.
final class FakeS3: S3Transport {
    /// What a request meets instead of a plain answer.
    enum Fault: Sendable {
        /// This answer; the request has no effect.
        case answer(HTTPResponse)
        /// No answer and no effect.
        case failure(HTTPError)
        /// The request takes effect, its answer is lost.
        case lostAnswer
        /// Runs first (another writer's hand, a cancellation), then the request goes on as usual.
        case after(@Sendable (FakeS3) -> Void)
    }

    struct Object: Sendable {
        var bytes: [UInt8]
        var headers: [String: String]
        var etag: String
    }

    struct Upload: Sendable {
        var key: String
        var headers: [String: String]
        var parts: [Int: [UInt8]] = [:]
    }

    struct Call: Sendable {
        let name: String
        let key: String
        let headers: HTTPHeaders
        let body: [UInt8]
        let query: [String: String]
    }

    struct State {
        var objects: [String: Object] = [:]
        var uploads: [String: Upload] = [:]
        var calls: [Call] = []
        var faults: [(name: String, remaining: Int, fault: Fault)] = []
        var nextID = 0
        /// What the store does not do although it should.
        var ignored: Set<String> = []
    }

    let state = Mutex(State())

    /// Meets the next `times` requests of that name (`PutObject`) with a fault, after `skipping` that pass.
    func inject(_ fault: Fault, on name: String, times: Int = 1, skipping: Int = 0) {
        state.withLock { state in
            if skipping > 0 { state.faults.append((name, skipping, .after { _ in })) }
            state.faults.append((name, times, fault))
        }
    }

    func ignore(_ what: String) { state.withLock { _ = $0.ignored.insert(what) } }
    func put(_ key: String, _ bytes: [UInt8], headers: [String: String] = [:]) {
        state.withLock { $0.store(key, bytes, headers) }
    }
    var calls: [Call] { state.withLock { $0.calls } }
    func calls(_ name: String) -> [Call] { calls.filter { $0.name == name } }
    func object(_ key: String) -> Object? { state.withLock { $0.objects[key] } }
    var pendingUploads: Int { state.withLock { $0.uploads.count } }

    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        if Task.isCancelled { throw HTTPError(code: .cancelled, message: "cancelled") }
        let call = Call(request)
        let fault = state.withLock { state in
            state.calls.append(call)
            return state.takeFault(call.name)
        }
        switch fault {
        case .answer(let response): return response
        case .failure(let error): throw error
        case .after(let action): action(self)
        case .lostAnswer, nil: break
        }
        let response = state.withLock { $0.answer(call) }
        if case .lostAnswer = fault {
            throw HTTPError(code: .reset, message: "the answer was lost", wasSent: true)
        }
        return response
    }

    func openBody(_ request: HTTPRequest) async throws(HTTPError) -> any S3Body {
        FakeBody(try await exchange(request))
    }
}

extension FakeS3.State {
    mutating func takeFault(_ name: String) -> FakeS3.Fault? {
        guard let index = faults.firstIndex(where: { $0.name == name && $0.remaining > 0 }) else { return nil }
        faults[index].remaining -= 1
        return faults[index].fault
    }

    mutating func store(_ key: String, _ bytes: [UInt8], _ headers: [String: String]) {
        nextID += 1
        objects[key] = FakeS3.Object(bytes: bytes, headers: headers, etag: "\"etag-\(nextID)\"")
    }

    mutating func answer(_ call: FakeS3.Call) -> HTTPResponse {
        switch call.name {
        case "PutObject": putObject(call)
        case "HeadObject": read(call, withBody: false)
        case "GetObject": read(call, withBody: true)
        case "DeleteObject": delete(call)
        case "CreateMultipartUpload": createUpload(call)
        case "UploadPart": uploadPart(call)
        case "CompleteMultipartUpload": complete(call)
        case "AbortMultipartUpload": abort(call)
        default: .s3(200)
        }
    }

    /// The refusal a condition leads to.
    private func refusal(_ call: FakeS3.Call) -> HTTPResponse? {
        let stored = objects[call.key]
        if call.headers["if-none-match"] == "*", stored != nil, !ignored.contains("if-none-match") {
            return .s3(412, "PreconditionFailed")
        }
        if let etag = call.headers["if-match"], !ignored.contains("if-match") {
            guard let stored else { return .s3(404, "NoSuchKey") }
            if stored.etag != etag { return .s3(412, "PreconditionFailed") }
        }
        return nil
    }

    private func isDamaged(_ call: FakeS3.Call, _ bytes: [UInt8]) -> Bool {
        call.headers["x-amz-checksum-crc32c"] != CRC32C(bytes).base64 && !ignored.contains("checksum")
    }

    private mutating func putObject(_ call: FakeS3.Call) -> HTTPResponse {
        if let refusal = refusal(call) { return refusal }
        if isDamaged(call, call.body) { return .s3(400, "BadDigest") }
        store(call.key, call.body, call.kept)
        return .s3(200, headers: ["etag": objects[call.key]?.etag ?? ""])
    }

    private func read(_ call: FakeS3.Call, withBody: Bool) -> HTTPResponse {
        guard let object = objects[call.key] else {
            return withBody ? .s3(404, "NoSuchKey") : HTTPResponse(status: 404)
        }
        var headers = HTTPHeaders()
        headers["etag"] = object.etag
        headers["content-length"] = String(object.bytes.count)
        for (name, value) in object.headers { headers[name] = value }
        return HTTPResponse(status: 200, headers: headers, body: withBody ? object.bytes : [])
    }

    private mutating func delete(_ call: FakeS3.Call) -> HTTPResponse {
        objects[call.key] = nil
        return .s3(204)
    }

    private mutating func createUpload(_ call: FakeS3.Call) -> HTTPResponse {
        nextID += 1
        uploads["upload-\(nextID)"] = FakeS3.Upload(key: call.key, headers: call.kept)
        return .xml(
            "<InitiateMultipartUploadResult><UploadId>upload-\(nextID)</UploadId></InitiateMultipartUploadResult>")
    }

    private mutating func uploadPart(_ call: FakeS3.Call) -> HTTPResponse {
        guard let id = call.query["uploadId"], uploads[id] != nil,
            let number = call.query["partNumber"].flatMap({ Int($0) })
        else { return .s3(404, "NoSuchUpload") }
        if isDamaged(call, call.body) { return .s3(400, "BadDigest") }
        uploads[id]?.parts[number] = call.body
        return .s3(200, headers: ["etag": "\"part-\(number)\""])
    }

    private mutating func complete(_ call: FakeS3.Call) -> HTTPResponse {
        guard let id = call.query["uploadId"], let upload = uploads[id] else { return .s3(404, "NoSuchUpload") }
        if let refusal = refusal(call) { return refusal }
        let bytes = upload.parts.sorted { $0.key < $1.key }.flatMap(\.value)
        if isDamaged(call, bytes) { return .s3(400, "BadDigest") }
        uploads[id] = nil
        store(call.key, bytes, upload.headers.merging(["x-amz-checksum-crc32c": CRC32C(bytes).base64]) { $1 })
        let etag = objects[call.key]?.etag.replacing("\"", with: "&#34;") ?? ""
        return .xml("<CompleteMultipartUploadResult><ETag>\(etag)</ETag></CompleteMultipartUploadResult>")
    }

    private mutating func abort(_ call: FakeS3.Call) -> HTTPResponse {
        guard let id = call.query["uploadId"], uploads.removeValue(forKey: id) != nil else {
            return .s3(404, "NoSuchUpload")
        }
        return .s3(204)
    }
}

extension FakeS3.Call {
    init(_ request: HTTPRequest) {
        let halves = request.url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var query: [String: String] = [:]
        for pair in (halves.count > 1 ? String(halves[1]) : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(sides[0])] = sides.count > 1 ? String(sides[1]) : ""
        }
        key = halves[0].split(separator: "/").dropFirst(3).joined(separator: "/")
        headers = request.headers
        self.query = query
        body =
            switch request.body {
            case .none: []
            case .bytes(let bytes): bytes
            case .buffer(let buffer): unsafe buffer.withUnsafeBytes { unsafe Array($0) }
            }
        name = Self.name(request.method, query, isObject: !key.isEmpty)
    }

    private static func name(_ method: HTTPMethod, _ query: [String: String], isObject: Bool) -> String {
        switch method {
        case .put where query["partNumber"] != nil: "UploadPart"
        case .put: isObject ? "PutObject" : "CreateBucket"
        case .post: query["uploads"] != nil ? "CreateMultipartUpload" : "CompleteMultipartUpload"
        case .delete: query["uploadId"] != nil ? "AbortMultipartUpload" : "DeleteObject"
        case .head: isObject ? "HeadObject" : "HeadBucket"
        case .get: isObject ? "GetObject" : query["uploads"] != nil ? "ListMultipartUploads" : "ListObjectsV2"
        }
    }

    /// The headers an object keeps.
    var kept: [String: String] {
        var result: [String: String] = [:]
        for (name, value) in headers
        where name.hasPrefix("x-amz-meta-") || name.hasPrefix("x-amz-server-side") || name == "x-amz-checksum-crc32c" {
            result[name] = value
        }
        return result
    }
}

extension HTTPResponse {
    static func s3(_ status: Int, _ code: String? = nil, headers: HTTPHeaders = [:]) -> HTTPResponse {
        guard let code else { return HTTPResponse(status: status, headers: headers) }
        let body = "<?xml version=\"1.0\"?>\n<Error><Code>\(code)</Code><Message>said so</Message></Error>"
        return HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
    }

    static func xml(_ body: String) -> HTTPResponse {
        HTTPResponse(status: 200, body: Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\(body)".utf8))
    }
}

/// A body that is already there.
final class FakeBody: S3Body {
    let status: Int
    let headers: HTTPHeaders
    private let rest: Mutex<ArraySlice<UInt8>>

    init(_ response: HTTPResponse) {
        status = response.status
        headers = response.headers
        rest = Mutex(response.body[...])
    }

    func fill(_ buffer: TransferBuffer) async throws(HTTPError) -> Int {
        rest.withLock { rest in
            let added = unsafe rest.withUnsafeBytes { unsafe buffer.append($0) }
            rest = rest.dropFirst(added)
            return added
        }
    }

    func readAll(maximum: Int) async throws(HTTPError) -> [UInt8] { rest.withLock { Array($0) } }
    func cancel() {}
}
