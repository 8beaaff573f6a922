// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Testing

@testable internal import ObjectStore

/// Golden values AWS published: the S3 API reference ("Signature Calculations for the Authorization Header", examples)
/// and the Signature Version 4 test suite.
@Suite struct SignerTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let method: String
        let path: String
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []
        var payload = SigV4Signer.emptyPayload
        let signature: String
    }

    static let s3Examples = [
        Example(
            testDescription: "GET Object", method: "GET", path: "/test.txt", headers: [("range", "bytes=0-9")],
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        Example(
            testDescription: "PUT Object", method: "PUT", path: URIEncoding.path("/test$file.text"),
            headers: [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            payload: SigV4Signer.sha256(Array("Welcome to Amazon S3.".utf8)),
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        Example(
            testDescription: "GET Bucket Lifecycle", method: "GET", path: "/", query: [("lifecycle", "")],
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        Example(
            testDescription: "GET Bucket (List Objects)", method: "GET", path: "/",
            query: [("prefix", "J"), ("max-keys", "2")],
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]

    @Test(arguments: s3Examples) func agreesWithTheS3Examples(_ example: Example) {
        let date = UTCDate(secondsSince1970: 1_369_353_600)
        let request = CanonicalRequest(
            method: example.method, path: example.path, query: example.query,
            headers: example.headers + [
                ("Host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", example.payload),
                ("x-amz-date", date.timestamp),
            ], payloadHash: example.payload)
        let credentials = S3Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        let signature = SigV4Signer(region: "us-east-1").sign(request, credentials: credentials, date: date)
        #expect(signature.signature == example.signature)
        #expect(
            signature.authorization.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders="))
    }

    static let suiteExamples = [
        Example(
            testDescription: "get-vanilla", method: "GET", path: "/",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Example(
            testDescription: "get-vanilla-query-order-key-case", method: "GET", path: "/",
            query: [("Param2", "value2"), ("Param1", "value1")],
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Example(
            testDescription: "get-vanilla-empty-query-key", method: "GET", path: "/", query: [("Param1", "value1")],
            signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        Example(
            testDescription: "post-vanilla", method: "POST", path: "/",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ]

    @Test(arguments: suiteExamples) func agreesWithTheTestSuite(_ example: Example) {
        let date = UTCDate(secondsSince1970: 1_440_938_160)
        let request = CanonicalRequest(
            method: example.method, path: example.path, query: example.query,
            headers: [("Host", "example.amazonaws.com"), ("X-Amz-Date", date.timestamp)],
            payloadHash: example.payload)
        let credentials = S3Credentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        let signer = SigV4Signer(region: "us-east-1", service: "service")
        #expect(signer.sign(request, credentials: credentials, date: date).signature == example.signature)
    }

    @Test func bringsRequestsIntoCanonicalForm() {
        let request = CanonicalRequest(
            method: "PUT", path: URIEncoding.path("/a b/ä+%.~_-"),
            query: [("uploads", ""), ("b c", "d/e"), ("a", "2"), ("a", "1")],
            headers: [("X-B", "  two   words "), ("Host", "h"), ("x-a", "1"), ("X-A", "2")], payloadHash: "hash")
        #expect(
            request.text == """
                PUT
                /a%20b/%C3%A4%2B%25.~_-
                a=1&a=2&b%20c=d%2Fe&uploads=
                host:h
                x-a:1,2
                x-b:two words

                host;x-a;x-b
                hash
                """)
    }

    /// A remembered signing key must not outlive its day or its secret.
    @Test func signsWithTheKeyOfTheDayAndTheSecret() {
        let request = CanonicalRequest(method: "GET", path: "/", query: [], headers: [("host", "h")], payloadHash: "x")
        let shared = SigV4Signer(region: "eu-central-1")
        let uses: [(String, Int64)] = [("a", 0), ("a", 86_400), ("b", 0), ("a", 0), ("b", 86_400), ("a", 0)]
        for (secret, seconds) in uses {
            let credentials = S3Credentials(accessKeyID: "K", secretAccessKey: secret)
            let date = UTCDate(secondsSince1970: 1_700_000_000 + seconds)
            let fresh = SigV4Signer(region: "eu-central-1").sign(request, credentials: credentials, date: date)
            #expect(shared.sign(request, credentials: credentials, date: date) == fresh)
        }
    }
}

@Suite struct UTCDateTests {
    @Test func writesDatesAsS3WantsThem() {
        let date = UTCDate(secondsSince1970: 1_369_353_600)
        #expect(date.timestamp == "20130524T000000Z")
        #expect(date.day == "20130524")
        #expect(UTCDate(secondsSince1970: 1_709_251_199).rfc3339 == "2024-02-29T23:59:59Z")
        #expect(UTCDate(secondsSince1970: 0).timestamp == "19700101T000000Z")
    }

    @Test(arguments: [
        ("Fri, 24 May 2013 00:00:00 GMT", 1_369_353_600 as Int64?), ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("yesterday", nil), ("Fri, 24 Mai 2013 00:00:00 GMT", nil),
        ("Fri, 24 May 2013 25:00:00 GMT", nil), ("Fri, 24 May 2013 00:00:00 CET", nil), ("", nil),
        ("Fri, 24 May 99999999999999999999 00:00:00 GMT", nil),
    ]) func readsTheDateHeader(_ text: String, _ seconds: Int64?) {
        #expect(UTCDate(httpDate: text)?.secondsSince1970 == seconds)
    }

    @Test(arguments: [
        ("2013-05-24T00:00:00Z", 1_369_353_600 as Int64?), ("2024-02-29T23:59:59.123Z", 1_709_251_199),
        ("2024-02-29 23:59:59Z", nil), ("2024-13-29T23:59:59Z", nil), ("T", nil), ("", nil),
    ]) func readsRFC3339(_ text: String, _ seconds: Int64?) {
        #expect(UTCDate(rfc3339: text)?.secondsSince1970 == seconds)
    }
}
