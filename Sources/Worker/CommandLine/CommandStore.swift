// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import FoundationEssentials
internal import HTTPTransport
internal import Logging
internal import ObjectStore

/// The bucket as a short command uses it: impatient, and silent but for its errors.
struct CommandStore: Sendable {
    let client: S3Client
    let state: S3StateStore
    let keys: StateKeys
    private let faults: StoreFaults
    private let settings: Settings.S3

    init(settings: Settings, http: HTTPClient, environment: any PipelineEnvironment) throws(S3Error) {
        let usual = try S3Configuration(settings.s3, stallTimeout: .seconds(10))
        let configuration = try S3Configuration(
            bucket: usual.bucket, region: usual.region, endpoint: settings.s3.endpoint, addressing: usual.addressing,
            encryption: usual.encryption, trust: usual.trust,
            timeouts: HTTPTimeouts(connect: .seconds(5), response: .seconds(10), stall: .seconds(10)),
            stallTimeout: .seconds(10), retry: S3RetryPolicy(attempts: 3))
        var logger = Logger(label: "store")
        // The command tells what the parts would log; who asks for details still gets them.
        if logger.logLevel >= .info { logger.logLevel = .critical }
        client = S3Client(
            configuration: configuration,
            credentials: CredentialsChain.standard(
                environment: ProcessInfo.processInfo.environment, region: settings.s3.region, transport: http),
            transport: http, logger: logger)
        keys = StateKeys(prefix: settings.s3.statePrefix)
        let identity = WorkerIdentity.current(environment: environment)
        faults = StoreFaults(client: client, probeKey: keys.probe(instance: identity.instance))
        state = S3StateStore(client: client, faults: faults, isConditional: settings.s3.conditionalWrites)
        self.settings = settings.s3
    }

    /// How a command ends that could not do its work with the store, and the remedy: from a look at the bucket itself.
    func judgement() async -> (exit: WorkerExit, remedy: String) {
        do throws(S3Error) {
            try await faults.look()
            return (.unavailable, "try again, or see what is wrong with: nlu-export-worker doctor")
        } catch {
            let (exit, remedy) = error.doctorRemedy(settings)
            return (exit, remedy)
        }
    }

    /// An HTTP client for one command; shut it down at the end.
    static func httpClient() -> HTTPClient {
        var logger = Logger(label: "http")
        if logger.logLevel >= .info { logger.logLevel = .critical }
        return HTTPClient(
            configuration: HTTPClientConfiguration(userAgent: "nlu-export-worker/\(WorkerVersion.text)"), logger: logger
        )
    }
}
