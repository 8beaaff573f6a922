// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Testing

@testable internal import ObjectStore

@Suite struct S3ErrorTests {
    @Test(arguments: [
        (404, "NoSuchKey", S3Error.Kind.notFound), (404, "NoSuchUpload", .noSuchUpload),
        (404, "NoSuchBucket", .noSuchBucket), (412, "PreconditionFailed", .preconditionFailed),
        (409, "ConditionalRequestConflict", .conflict), (403, "AccessDenied", .accessDenied),
        (403, "SignatureDoesNotMatch", .badSignature), (403, "InvalidAccessKeyId", .badSignature),
        (301, "PermanentRedirect", .wrongRegion), (403, "RequestTimeTooSkewed", .clockSkew),
        (400, "ExpiredToken", .expiredCredentials), (503, "SlowDown", .slowDown), (429, "", .slowDown),
        (500, "InternalError", .internalError), (502, "", .internalError), (400, "RequestTimeout", .internalError),
        (400, "BadDigest", .checksumMismatch), (400, "KeyTooLongError", .invalidRequest),
        (400, "InvalidArgument", .invalidRequest), (400, "EntityTooLarge", .invalidRequest),
        (507, "", .insufficientStorage), (507, "XMinioStorageFull", .insufficientStorage),
        (400, "KMS.DisabledException", .accessDenied), (200, "WhoKnows", .malformed),
    ]) func classifiesAnswers(_ status: Int, _ code: String, _ kind: S3Error.Kind) {
        #expect(error(.s3(status, code.isEmpty ? nil : code)).kind == kind)
    }

    @Test func findsTheRightRegion() {
        let document = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
        let malformed = error(HTTPResponse(status: 400, body: Array(document.utf8)))
        #expect(malformed.kind == .wrongRegion)
        #expect(malformed.message.contains("eu-west-1"))
        let head = error(HTTPResponse(status: 400, headers: ["x-amz-bucket-region": "eu-west-1"]))
        #expect(head.kind == .wrongRegion)
        #expect(error(HTTPResponse(status: 403, headers: ["x-amz-bucket-region": "us-east-1"])).kind == .accessDenied)
    }

    @Test func trustsNoHeaderEither() {
        let region = "eu\u{1B}[31m\u{202E}\(String(repeating: "x", count: 5000))"
        let headers: HTTPHeaders = ["x-amz-bucket-region": region, "x-amz-request-id": region]
        let found = error(HTTPResponse(status: 400, headers: headers))
        #expect(found.kind == .wrongRegion)
        #expect(found.description.utf8.count < 1024)
        #expect(!found.description.unicodeScalars.contains { $0.value < 32 || $0.value == 0x202E })
    }

    @Test func readsDocumentsWithNamespacesAndNeverTrustsThem() {
        let document = """
            <?xml version="1.0" encoding="UTF-8"?>
            <Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>AccessDenied</Code>\
            <Message>line\u{1}one &amp; more \(String(repeating: "x", count: 2000))</Message></Error>
            """
        let denied = error(HTTPResponse(status: 403, headers: ["x-amz-request-id": "R1"], body: Array(document.utf8)))
        #expect(denied.kind == .accessDenied)
        #expect(denied.message.utf8.count < 900)
        #expect(!denied.message.unicodeScalars.contains { $0.value < 32 })
        #expect(denied.requestID == "R1")
    }

    @Test(arguments: ["", "<", "<html><body>502</body></html>", "<Error>", "<Error><Code></Error>", "\u{0}"])
    func survivesNonsense(_ body: String) {
        #expect(error(HTTPResponse(status: 502, body: Array(body.utf8))).kind == .internalError)
    }

    @Test func namesAMissingBucketAsSuch() {
        #expect(error(HTTPResponse(status: 404), key: nil).kind == .noSuchBucket)
    }

    @Test func keepsTheTransportsError() {
        let call = S3Call(operation: "GetObject", method: .get, key: "k", timeouts: HTTPTimeouts())
        let failure = S3Error.transport(
            HTTPError(code: .stalled, message: "no byte", wasSent: true), to: call, target: "s3://b/k")
        #expect(failure.kind == .transport)
        #expect(failure.transportError?.code == .stalled)
        #expect(failure.isRetriable)
        #expect(failure.mayHaveHappened)
    }

    private func error(_ response: HTTPResponse, key: String? = "k") -> S3Error {
        let call = S3Call(operation: "GetObject", method: .get, key: key, timeouts: HTTPTimeouts())
        return .answer(response, to: call, target: "s3://b/k", region: "us-east-1")
    }
}

@Suite struct S3ConfigurationTests {
    @Test func addressesAWSVirtuallyAndOthersByPath() throws {
        let aws = try S3Configuration(bucket: "models", region: "eu-central-1")
        #expect(aws.host == "models.s3.eu-central-1.amazonaws.com")
        #expect(aws.path(of: "a b") == "/a%20b")
        #expect(aws.path(of: nil) == "/")
        let dotted = try S3Configuration(bucket: "my.models")
        #expect(dotted.host == "s3.us-east-1.amazonaws.com")
        let own = try S3Configuration(bucket: "models", endpoint: "http://127.0.0.1:9000")
        #expect(own.host == "127.0.0.1:9000")
        #expect(own.path(of: "k") == "/models/k")
        #expect(own.path(of: nil) == "/models")
        let virtual = try S3Configuration(bucket: "models", endpoint: "https://store.test:443", addressing: .virtual)
        #expect(virtual.host == "models.store.test")
    }

    @Test(arguments: ["", "ftp://host", "http://host/path", "http://user:secret@host", "http://host?x=1", "host"])
    func refusesUnusableEndpoints(_ endpoint: String) async {
        let error = await failure { _ = try S3Configuration(bucket: "b", endpoint: endpoint) }
        #expect(error?.kind == .invalidRequest)
        #expect(error?.message.contains("secret") == false)
    }

    @Test(arguments: ["", "..", "a/b", "a b", "a?b", String(repeating: "b", count: 256)])
    func refusesUnusableBuckets(_ bucket: String) async {
        #expect(await failure { _ = try S3Configuration(bucket: bucket) }?.kind == .invalidRequest)
    }

    @Test func pausesLongerEachTimeUpToALimit() {
        let policy = S3RetryPolicy(attempts: 5, initial: .milliseconds(100), maximum: .seconds(1))
        #expect(policy.pause(after: 1, asked: nil, chance: 1) == .milliseconds(100))
        #expect(policy.pause(after: 3, asked: nil, chance: 1) == .milliseconds(400))
        #expect(policy.pause(after: 3, asked: nil, chance: 0) == .milliseconds(200))
        #expect(policy.pause(after: 60, asked: nil, chance: 1) == .seconds(1))
        #expect(policy.pause(after: 1, asked: .seconds(300), chance: 1) == .seconds(1))
    }
}

@Suite struct ObjectMetadataTests {
    @Test(arguments: ["plain", "", "Grüße", " blank", "blank ", "two  blanks", "=?not", "a\nb", "日本語", "a?b=c"])
    func bringsValuesThere(_ value: String) throws {
        let header = try #require(try ObjectMetadata.headers(["Name": value]).first)
        #expect(header.name == "x-amz-meta-name")
        #expect(header.value.utf8.allSatisfy { (32...126).contains($0) })
        #expect(ObjectMetadata.decoded(header.value) == value)
    }

    /// The other encoding RFC 2047 knows, which stores may answer with.
    @Test func readsQuotedPrintable() {
        #expect(ObjectMetadata.decoded("=?UTF-8?Q?Gr=C3=BC=C3=9Fe_100%?=") == "Grüße 100%")
        #expect(ObjectMetadata.decoded("=?UTF-8?B?***?=") == "=?UTF-8?B?***?=")
    }

    @Test(arguments: ["", "a b", "ä", "a:b", "a\r\nb"]) func refusesUnusableNames(_ name: String) async {
        #expect(await failure { _ = try ObjectMetadata.headers([name: "x"]) }?.kind == .invalidRequest)
    }
}
