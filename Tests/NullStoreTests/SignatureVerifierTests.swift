// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Testing

@testable internal import NullStore

/// The examples of the S3 API reference ("Signature Calculations for the Authorization Header").
@Suite struct SignatureVerifierTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var method = "GET"
        var path = "/"
        var query = ""
        var headers: [(name: String, value: String)] = []
        var payload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        let signature: String

        func subject(changing: (String) -> String = { $0 }) -> SignatureVerifier.Subject {
            var all =
                headers + [
                    ("host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", payload),
                    ("x-amz-date", "20130524T000000Z"),
                ]
            let names = all.map(\.name).sorted().joined(separator: ";")
            all.append(
                (
                    "authorization",
                    changing(
                        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                            + "SignedHeaders=\(names),Signature=\(signature)")
                ))
            return SignatureVerifier.Subject(method: method, path: path[...], query: query[...], headers: all)
        }
    }

    static let examples = [
        Example(
            testDescription: "GET Object", path: "/test.txt", headers: [("range", "bytes=0-9")],
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        Example(
            testDescription: "PUT Object", method: "PUT", path: "/test$file.text",
            headers: [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            payload: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        Example(
            testDescription: "GET Bucket Lifecycle", query: "lifecycle",
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        Example(
            testDescription: "GET Bucket", query: "prefix=J&max-keys=2",
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]

    private let verifier = SignatureVerifier(
        accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    private let now = 1_369_353_600

    @Test(arguments: examples) func acceptsWhatAWSPublished(_ example: Example) {
        #expect(verifier.refusal(of: example.subject(), now: now) == nil)
    }

    @Test(arguments: examples) func refusesAnotherSecret(_ example: Example) {
        let other = SignatureVerifier(accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "another")
        #expect(other.refusal(of: example.subject(), now: now)?.code == "SignatureDoesNotMatch")
    }

    @Test func refusesWhatWasChangedOnTheWay() {
        var example = Self.examples[1]
        example.path = "/test$file.texu"
        #expect(verifier.refusal(of: example.subject(), now: now)?.code == "SignatureDoesNotMatch")
    }

    @Test func refusesAHeaderThatIsNotSigned() {
        let subject = Self.examples[1].subject { $0.replacing(";x-amz-storage-class", with: "") }
        #expect(verifier.refusal(of: subject, now: now)?.message == "the header x-amz-storage-class is not signed")
    }

    @Test func refusesAnotherDay() {
        #expect(verifier.refusal(of: Self.examples[0].subject(), now: now + 901)?.code == "RequestTimeTooSkewed")
        #expect(verifier.refusal(of: Self.examples[0].subject(), now: now + 899) == nil)
    }

    @Test func refusesAnotherKeyAndNone() {
        let stranger = Self.examples[0].subject { $0.replacing("AKIAIOSFODNN7EXAMPLE", with: "AKIA") }
        #expect(verifier.refusal(of: stranger, now: now)?.code == "InvalidAccessKeyId")
        let unsigned = SignatureVerifier.Subject(method: "GET", path: "/", query: "", headers: [])
        #expect(verifier.refusal(of: unsigned, now: now)?.code == "AccessDenied")
    }
}
