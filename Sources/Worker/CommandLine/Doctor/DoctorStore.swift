// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport
internal import ObjectStore

/// The object store: credentials, bucket, clock, writes, encryption, conditional writes, multipart uploads.
///
/// What is written lies under the workers' folder of the state prefix, under names of this process alone.
struct DoctorStore: Sendable {
    private static let bucketCheck = "store bucket"

    let surroundings: DoctorSurroundings
    let transport: DoctorTransport
    private let keys: StateKeys

    init(_ surroundings: DoctorSurroundings) {
        self.surroundings = surroundings
        transport = DoctorTransport(surroundings.http)
        keys = StateKeys(prefix: surroundings.settings.s3.statePrefix)
    }

    var settings: Settings.S3 { surroundings.settings.s3 }

    var checks: [DoctorCheck] {
        [
            DoctorCheck("store credentials") { await [credentials()] },
            DoctorCheck(Self.bucketCheck, needs: ["store credentials"]) { await bucket() },
            DoctorCheck("store writes", needs: [Self.bucketCheck], tidy: { await remove("writes") }) {
                await writes()
            },
            DoctorCheck("store conditional writes", needs: ["store writes"], tidy: { await remove("conditions") }) {
                await [conditions()]
            },
            DoctorCheck("store multipart uploads", needs: ["store writes"], tidy: { await abortUploads() }) {
                await [multipart()]
            },
        ]
    }

    /// The key of a try of that name: `state/_workers/<instance>-doctor-<name>.probe`.
    func key(_ name: String) -> String { keys.probe(instance: "\(surroundings.identity.instance)-doctor-\(name)") }

    private var chain: CredentialsChain {
        .standard(environment: surroundings.environment, region: settings.region, transport: transport)
    }

    /// A client that is impatient enough to fail with its own words before the check's time is over.
    func client(encryption: S3Configuration.Encryption? = nil) throws(S3Error) -> S3Client {
        let usual = try S3Configuration(settings, stallTimeout: .seconds(10))
        let configuration = try S3Configuration(
            bucket: usual.bucket, region: usual.region, endpoint: settings.endpoint, addressing: usual.addressing,
            encryption: encryption ?? usual.encryption, trust: usual.trust,
            timeouts: HTTPTimeouts(connect: .seconds(4), response: .seconds(6), stall: .seconds(6)),
            stallTimeout: .seconds(6), retry: S3RetryPolicy(attempts: 2))
        return S3Client(
            configuration: configuration, credentials: chain, transport: transport, logger: surroundings.logger)
    }

    func failure(_ subject: String, _ error: S3Error) -> DoctorFinding {
        let (exit, remedy) = error.doctorRemedy(settings)
        return .failure(subject, error.description, remedy: remedy, exit: exit)
    }

    // MARK: Credentials and bucket

    private func credentials() async -> DoctorFinding {
        let subject = "store credentials"
        do throws(S3Error) {
            let found = try await chain.credentials()
            let kind = found.sessionToken == nil ? "" : ", with a session token"
            return .fine(subject, "access key \(found.accessKeyID)\(kind) from \(await source(of: found))")
        } catch {
            return failure(subject, error)
        }
    }

    /// The chain does not say which of its providers answered: the one that has the same to offer.
    private func source(of found: S3Credentials) async -> String {
        let providers: [any CredentialsProvider] = [
            EnvironmentCredentials(surroundings.environment), ProfileCredentials(environment: surroundings.environment),
        ]
        for provider in providers where (try? await provider.credentials()) == found { return provider.source }
        return chain.source
    }

    private func bucket() async -> [DoctorFinding] {
        do throws(S3Error) {
            let client = try client()
            try await client.headBucket()
            let place = settings.endpoint ?? "AWS"
            return [
                .fine(Self.bucketCheck, "s3://\(settings.bucket) is there (\(place), region \(settings.region))"),
                Self.judge(clockDifference: transport.last.clockDifference),
            ]
        } catch {
            return [await refusedBucket(error)]
        }
    }

    /// An answer to HEAD has no body to say why; a listing of one key is refused for the same reason, and says it.
    private func refusedBucket(_ error: S3Error) async -> DoctorFinding {
        guard let status = error.httpStatus, error.code.isEmpty else { return failure(Self.bucketCheck, error) }
        do throws(S3Error) {
            _ = try await client().list(prefix: keys.workers, limit: 1)
            return failure(Self.bucketCheck, error)
        } catch  where error.httpStatus != nil && error.code.isEmpty && status < 500 {
            return .failure(
                Self.bucketCheck, "what answers is no S3 store: \(error.description)",
                remedy: "correct s3.endpoint", exit: .configuration)
        } catch {
            return failure(Self.bucketCheck, error)
        }
    }

    /// S3 refuses requests that are 15 minutes off; the worker adopts the store's clock then.
    static func judge(clockDifference: Double?) -> DoctorFinding {
        let subject = "store clock"
        guard let difference = clockDifference, difference.isFinite, abs(difference) < 1e9 else {
            return .skipped(subject, "the store does not tell its time")
        }
        if abs(difference) < 2 { return .fine(subject, "the same as this machine's to within 2s") }
        let seconds = Int(abs(difference).rounded())
        let found = "\(seconds)s \(difference > 0 ? "ahead of" : "behind") this machine's"
        guard seconds > 60 else { return .fine(subject, found) }
        return .warning(subject, found, remedy: "set this machine's clock (NTP), or the store's")
    }
}

extension S3Error {
    /// How the command ends by this failure, and what an operator does about it.
    func doctorRemedy(_ settings: Settings.S3) -> (WorkerExit, String) {
        switch kind {
        case .noCredentials:
            (.configuration, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws/credentials")
        case .badSignature, .expiredCredentials:
            (.refused, "correct or renew the access key and its secret; s3.region must be the store's")
        case .accessDenied:
            (
                .refused,
                "allow these credentials s3:ListBucket on \(settings.bucket), and GetObject, PutObject, DeleteObject, "
                    + "AbortMultipartUpload on its objects (and the KMS key, if one is used)"
            )
        case .noSuchBucket, .notFound:
            (.unavailable, "create the bucket \(settings.bucket) in region \(settings.region), or correct s3.bucket")
        case .wrongRegion: (.configuration, "correct s3.region and s3.endpoint")
        case .invalidRequest, .malformed: (.configuration, "correct s3.endpoint, s3.addressing and s3.encryption")
        case .clockSkew: (.unavailable, "set this machine's clock (NTP)")
        case .insufficientStorage: (.unavailable, "make room in the store, or raise its quota")
        case .transport where transportError?.code == .resolve:
            (.unavailable, "correct the host in s3.endpoint, or the name service of this machine")
        case .transport where transportError?.code == .tls:
            (
                .unavailable,
                "set s3.caFile to the authority of the store's certificate, or have that renewed; see that the port of "
                    + "s3.endpoint speaks TLS"
            )
        case .transport:
            (.unavailable, "start the store, or correct s3.endpoint; see that no firewall is between")
        default: (.unavailable, "see the store's log of this moment")
        }
    }
}
