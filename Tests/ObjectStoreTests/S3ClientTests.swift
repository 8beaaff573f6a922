// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Synchronization
internal import Testing

@testable internal import ObjectStore

@Suite struct S3ClientTests {
    @Test func putsWithEncryptionMetadataAndChecksum() async throws {
        let store = FakeS3()
        let client = try makeClient(store, encryption: .kms(keyID: "key-1", bucketKey: true))
        let options = S3PutOptions(
            contentType: "application/json", metadata: ["Command-Id": "c 1", "who": "Jürgen"], condition: .absent,
            retention: S3Retention(.compliance, until: 1_369_353_600))
        _ = try await client.put("a/b.json", .bytes(Array("123456789".utf8)), options: options)
        let call = try #require(store.calls.first)
        #expect(call.key == "a/b.json")
        #expect(call.headers["x-amz-checksum-crc32c"] == "4waSgw==")
        #expect(call.headers["x-amz-server-side-encryption"] == "aws:kms")
        #expect(call.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key-1")
        #expect(call.headers["x-amz-server-side-encryption-bucket-key-enabled"] == "true")
        #expect(call.headers["x-amz-meta-command-id"] == "c 1")
        #expect(call.headers["x-amz-meta-who"] == "=?UTF-8?B?SsO8cmdlbg==?=")
        #expect(call.headers["x-amz-object-lock-mode"] == "COMPLIANCE")
        #expect(call.headers["x-amz-object-lock-retain-until-date"] == "2013-05-24T00:00:00Z")
        #expect(call.headers["if-none-match"] == "*")
        let authorization = try #require(call.headers["authorization"])
        for name in ["if-none-match", "x-amz-meta-who", "x-amz-checksum-crc32c", "content-type", "host"] {
            #expect(authorization.contains(name), "\(name) must be signed")
        }
        #expect(call.headers["x-amz-content-sha256"] == SigV4Signer.sha256(Array("123456789".utf8)))
        #expect(try await client.head("a/b.json").metadata == ["command-id": "c 1", "who": "Jürgen"])
    }

    @Test func repeatsWhatMayBeRepeated() async throws {
        let (store, time) = (FakeS3(), FakeTime())
        store.put("k", [1, 2, 3])
        store.inject(.answer(.s3(503, "SlowDown", headers: ["retry-after": "1"])), on: "GetObject")
        store.inject(.failure(HTTPError(code: .connect, message: "refused")), on: "GetObject")
        let object = try await makeClient(store, time: time).get("k", maximumBytes: 10)
        #expect(object.bytes == [1, 2, 3])
        #expect(store.calls.count == 3)
        #expect(time.pauses.withLock { $0 } == [.seconds(1), .milliseconds(400)])
    }

    @Test func givesUpAfterAFewTries() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(500, "InternalError")), on: "GetObject", times: 9)
        let error = await failure { _ = try await makeClient(store).get("k", maximumBytes: 10) }
        #expect(error?.kind == .internalError)
        #expect(error?.isRetriable == true)
        #expect(store.calls.count == 3)
    }

    @Test func sendsAConditionalWriteOnce() async throws {
        for fault in [FakeS3.Fault.answer(.s3(503, "SlowDown")), .lostAnswer] {
            let store = FakeS3()
            store.inject(fault, on: "PutObject")
            let error = await failure {
                _ = try await makeClient(store).put("k", .bytes([1]), options: S3PutOptions(condition: .absent))
            }
            #expect(error?.isRetriable == true)
            #expect(error?.mayHaveHappened == true)
            #expect(store.calls.count == 1)
        }
    }

    @Test func repeatsAnUnconditionalPut() async throws {
        let store = FakeS3()
        store.inject(.lostAnswer, on: "PutObject")
        _ = try await makeClient(store).put("k", .bytes([1]))
        #expect(store.calls.count == 2)
    }

    @Test func doesNotRepeatWhatWasNeverRetriable() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(400, "EntityTooLarge")), on: "PutObject")
        let error = await failure { _ = try await makeClient(store).put("k", .bytes([1])) }
        #expect(error?.kind == .invalidRequest)
        #expect(error?.code == "EntityTooLarge")
        #expect(store.calls.count == 1)
    }

    @Test func adoptsTheStoresClockOnce() async throws {
        let store = FakeS3()
        let skewed = HTTPResponse.s3(403, "RequestTimeTooSkewed", headers: ["date": "Fri, 24 May 2013 01:00:00 GMT"])
        store.inject(.answer(skewed), on: "PutObject")
        let client = try makeClient(store)
        _ = try await client.put("k", .bytes([1]), options: S3PutOptions(condition: .absent))
        #expect(store.calls.map { $0.headers["x-amz-date"] } == ["20130524T000000Z", "20130524T010000Z"])
        _ = try await client.put("k2", .bytes([1]))
        #expect(store.calls.last?.headers["x-amz-date"] == "20130524T010000Z")
    }

    @Test func doesNotChaseAClockForEver() async throws {
        let store = FakeS3()
        let skewed = HTTPResponse.s3(403, "RequestTimeTooSkewed", headers: ["date": "Fri, 24 May 2013 01:00:00 GMT"])
        store.inject(.answer(skewed), on: "GetObject", times: 9)
        let error = await failure { _ = try await makeClient(store).get("k", maximumBytes: 1) }
        #expect(error?.kind == .clockSkew)
        #expect(store.calls.count == 2)
    }

    /// HEAD has no body that could name the reason.
    @Test func adoptsTheClockWhenHeadIsRefused() async throws {
        let store = FakeS3()
        store.put("k", [1])
        store.inject(
            .answer(HTTPResponse(status: 403, headers: ["date": "Fri, 24 May 2013 01:00:00 GMT"])), on: "HeadObject")
        #expect(try await makeClient(store).head("k").size == 1)
    }

    @Test func readsCredentialsAgainOnceTheyHaveExpired() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(400, "ExpiredToken")), on: "PutObject")
        let credentials = RotatingCredentials(rotates: true)
        _ = try await makeClient(store, credentials: credentials)
            .put("k", .bytes([1]), options: S3PutOptions(condition: .absent))
        #expect(store.calls[0].headers["authorization"]?.contains("Credential=KEY0/") == true)
        #expect(store.calls[1].headers["authorization"]?.contains("Credential=KEY1/") == true)
        #expect(store.calls[1].headers["x-amz-security-token"] == "token")
    }

    @Test func doesNotTryTheSameCredentialsTwice() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(403, "InvalidAccessKeyId")), on: "GetObject", times: 9)
        let credentials = RotatingCredentials(rotates: false)
        let error = await failure {
            _ = try await makeClient(store, credentials: credentials).get("k", maximumBytes: 1)
        }
        #expect(error?.kind == .badSignature)
        #expect(store.calls.count == 1)
        #expect(credentials.invalidations.load(ordering: .relaxed) == 1)
    }

    @Test func readsTheBodyOfACompletion() async throws {
        let store = FakeS3()
        let body = "<Error><Code>InternalError</Code><Message>half way</Message></Error>"
        store.inject(.answer(.xml(body)), on: "CompleteMultipartUpload")
        let error = await failure {
            _ = try await makeClient(store).completeMultipartUpload(
                "k", uploadID: "u", parts: [], checksum: CRC32C())
        }
        #expect(error?.kind == .internalError)
        #expect(error?.isRetriable == true)
        #expect(store.calls.count == 1)
    }

    @Test func treatsWhatIsGoneAsDeletedAndAborted() async throws {
        let store = FakeS3()
        let client = try makeClient(store)
        try await client.abortMultipartUpload("k", uploadID: "nothing")
        store.inject(.answer(.s3(404, "NoSuchKey")), on: "DeleteObject")
        try await client.delete("k")
    }

    @Test func refusesAnswersThatAreTooLarge() async throws {
        let store = FakeS3()
        store.put("k", [UInt8](repeating: 0, count: 11))
        #expect(await failure { _ = try await makeClient(store).get("k", maximumBytes: 10) }?.kind == .tooLarge)
    }

    @Test(arguments: ["", String(repeating: "k", count: 1025), "a/../b", "./a", "a/.", "a\nb"])
    func refusesUnusableKeys(_ key: String) async throws {
        let store = FakeS3()
        #expect(await failure { _ = try await makeClient(store).head(key) }?.kind == .invalidRequest)
        #expect(store.calls.isEmpty)
    }

    @Test func verifiesWhatIsStored() async throws {
        let store = FakeS3()
        let client = try makeClient(store)
        let checksum = CRC32C([1, 2, 3]).base64
        #expect(try await client.verify("k", size: 3, checksum: checksum) == .missing)
        _ = try await client.put("k", .bytes([1, 2, 3]))
        guard case .matches(let info) = try await client.verify("k", size: 3, checksum: checksum) else {
            Issue.record("it does not match")
            return
        }
        #expect(info.encryption == "AES256")
        for (size, sum) in [(4, checksum), (3, CRC32C([1]).base64)] {
            guard case .differs = try await client.verify("k", size: size, checksum: sum) else {
                Issue.record("it matches")
                return
            }
        }
        store.put("plain", [1, 2, 3])
        let etag = try #require(store.object("plain")?.etag)
        #expect(
            try await client.verify("plain", size: 3, checksum: checksum)
                == .differs("it is kept with encryption none, not as asked", etag: etag))
    }

    @Test func encodesKeysOnce() async throws {
        let store = FakeS3()
        _ = try await makeClient(store).put("a b/c+d%20ü", .bytes([]))
        #expect(store.calls.first?.key == "a%20b/c%2Bd%2520%C3%BC")
    }

    @Test func saysNothingSecret() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(403, "SignatureDoesNotMatch")), on: "GetObject")
        let error = await failure { _ = try await makeClient(store).get("k", maximumBytes: 1) }
        let text = "\(try #require(error)) \(S3Credentials(accessKeyID: "KEY", secretAccessKey: "hush"))"
        #expect(!text.contains("hush"))
        #expect(text.contains("GetObject s3://bucket/k was answered 403 SignatureDoesNotMatch: said so"))
    }
}
