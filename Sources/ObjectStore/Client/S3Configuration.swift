// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

/// Which bucket, where, and how objects are kept in it.
package struct S3Configuration: Sendable {
    /// How the bucket is named in a URL.
    package enum Addressing: String, Sendable, Hashable {
        /// `https://endpoint/bucket/key`: what most S3-compatible stores expect.
        case path
        /// `https://bucket.endpoint/key`: what AWS expects.
        case virtual
    }

    /// What the store is asked to encrypt objects with.
    package enum Encryption: Sendable, Hashable {
        /// Whatever the bucket does by itself.
        case none
        /// Keys of the store's own (SSE-S3).
        case aes256
        /// A key of the KMS, the account's default key where `keyID` is nil; `bucketKey` saves calls to the KMS.
        case kms(keyID: String?, bucketKey: Bool)
    }

    package let bucket: String
    package let region: String
    package let addressing: Addressing
    package let encryption: Encryption
    package let trust: TLSTrust
    /// For everything but parts of uploads and their completion. Default 10 s, 30 s, 30 s.
    package let timeouts: HTTPTimeouts
    /// The longest silence while a part is sent or an object is read. Default 60 s.
    package let stallTimeout: Duration
    /// How long the store may take to put the parts of an upload together. Default 10 min.
    package let completionTimeout: Duration
    package let retry: S3RetryPolicy
    /// Where requests go: scheme, host and port.
    let endpoint: WebURL

    /// Checks every value; `invalidRequest` names the one that cannot be used.
    ///
    /// Without an endpoint it is AWS's own for the region, addressed virtually (by path where the bucket's name has
    /// dots, which no certificate covers); an endpoint of one's own is addressed by path unless told otherwise.
    package init(
        bucket: String, region: String = "us-east-1", endpoint: String? = nil, addressing: Addressing? = nil,
        encryption: Encryption = .aes256, trust: TLSTrust = TLSTrust(),
        timeouts: HTTPTimeouts = HTTPTimeouts(connect: .seconds(10), response: .seconds(30), stall: .seconds(30)),
        stallTimeout: Duration = .seconds(60), completionTimeout: Duration = .seconds(600),
        retry: S3RetryPolicy = S3RetryPolicy()
    ) throws(S3Error) {
        guard Self.isUsableName(bucket) else {
            throw S3Error(.invalidRequest, "\"\(ByteText.cleaned(bucket))\" is no name for a bucket.")
        }
        guard Self.isUsableName(region) else {
            throw S3Error(.invalidRequest, "\"\(ByteText.cleaned(region))\" is no name for a region.")
        }
        self.bucket = bucket
        self.region = region
        let automatic: Addressing = endpoint == nil && !bucket.contains(".") ? .virtual : .path
        self.addressing = addressing ?? automatic
        self.encryption = encryption
        self.trust = trust
        self.timeouts = timeouts
        self.stallTimeout = stallTimeout
        self.completionTimeout = completionTimeout
        self.retry = retry
        self.endpoint = try Self.parse(endpoint ?? Self.awsEndpoint(region: region))
    }

    private static func awsEndpoint(region: String) -> String {
        "https://s3.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
    }

    private static func parse(_ text: String) throws(S3Error) -> WebURL {
        let url: WebURL
        do {
            url = try WebURL(text)
        } catch {
            throw S3Error(.invalidRequest, "The endpoint cannot be read: \(error.message)", underlying: error)
        }
        guard url.path == "/" || url.path.isEmpty, url.query == nil, !url.hasUserInfo else {
            throw S3Error(
                .invalidRequest,
                "The endpoint \(url.origin) must be scheme, host and port alone, without path, query or credentials.")
        }
        return url
    }

    /// Letters, digits, `.`, `-` and `_`, 1 to 255 of them, and not a path trick.
    private static func isUsableName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension S3Configuration {
    /// The `Host` a request for this bucket is sent to, as it is signed.
    var host: String {
        addressing == .virtual ? "\(bucket).\(endpoint.authority)" : endpoint.authority
    }

    /// The path of a key, or of the bucket itself, encoded once.
    func path(of key: String?) -> String {
        let base = addressing == .path ? "/\(bucket)" : ""
        return key.map { "\(base)/\(URIEncoding.path($0))" } ?? (base.isEmpty ? "/" : base)
    }

    /// How messages name a key.
    func target(_ key: String?) -> String {
        "s3://\(bucket)" + (key.map { "/" + ByteText.cleaned($0, limit: 1024) } ?? "")
    }
}

/// How often and how patiently a request that may be repeated is repeated.
package struct S3RetryPolicy: Sendable, Hashable {
    /// Tries in all. Default 3.
    package let attempts: Int
    /// The first pause; doubled each time, halved at random. Default 200 ms.
    package let initial: Duration
    /// The longest pause, `Retry-After` included. Default 5 s.
    package let maximum: Duration

    package init(
        attempts: Int = 3, initial: Duration = .milliseconds(200), maximum: Duration = .seconds(5)
    ) {
        self.attempts = max(1, attempts)
        self.initial = initial
        self.maximum = maximum
    }

    /// The pause after the `attempt`-th failure; `chance` is between 0 and 1.
    func pause(after attempt: Int, asked: Duration?, chance: Double) -> Duration {
        let grown = initial * (1 << min(attempt - 1, 20))
        return min(max(min(grown, maximum) * (0.5 + chance / 2), asked ?? .zero), maximum)
    }
}

/// Time and chance, from outside so that tests need neither.
package struct S3Surroundings: Sendable {
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    let sleep: @Sendable (Duration) async throws -> Void
    /// A number from 0 to 1 for jitter.
    let chance: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Int64, sleep: @escaping @Sendable (Duration) async throws -> Void,
        chance: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.sleep = sleep
        self.chance = chance
    }

    /// The system's clock and random numbers.
    package static let live = S3Surroundings(
        now: { SystemTime.secondsSince1970 }, sleep: { try await Task.sleep(for: $0) },
        chance: { Double.random(in: 0...1) })
}
