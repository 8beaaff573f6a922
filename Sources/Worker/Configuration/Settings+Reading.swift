// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Settings {
    /// Reads every key of the catalogue, tenants' keys once for each tenant.
    ///
    /// - Parameter namedInFile: the tenants that the file has settings for; they stand in for `cognigy.tenantNames`.
    init(_ reader: inout SettingsReader, namedInFile: [String]) {
        amqp = AMQP(&reader)
        var names = reader.read(Catalogue.Cognigy.tenantNames)
        if reader.entries.last?.origin == .byDefault, let file = reader.layers.file, !namedInFile.isEmpty {
            names = namedInFile
            reader.conclude(names.joined(separator: ","), from: .file(path: file.path, line: 0))
        }
        tenants = names.map { Tenant(&reader, name: $0) }
        trainingWait = reader.read(Catalogue.Work.trainingWait)
        job = Job(
            pollInitial: reader.read(Catalogue.Work.pollInitial), pollMax: reader.read(Catalogue.Work.pollMax),
            deadline: reader.read(Catalogue.Work.deadline))
        retry = Retry(&reader)
        lease = Lease(renew: reader.read(Catalogue.Work.renew), expiry: reader.read(Catalogue.Work.expiry))
        suspectAfter = reader.read(Catalogue.Work.suspectAfter)
        transfer = Transfer(&reader)
        s3 = S3(&reader)
        audit = Audit(
            file: reader.read(Catalogue.Audit.file), prefix: reader.read(Catalogue.Audit.prefix),
            retention: reader.read(Catalogue.Audit.retention), actor: reader.read(Catalogue.Audit.actor))
        events = Events(
            progress: reader.read(Catalogue.Operation.progress),
            requireRoute: reader.read(Catalogue.Operation.requireRoute),
            source: reader.read(Catalogue.Operation.source))
        http = HTTP(
            host: reader.read(Catalogue.Operation.host), port: reader.read(Catalogue.Operation.port),
            token: reader.read(Catalogue.Operation.token, file: Catalogue.Operation.tokenFile))
        shutdownGrace = reader.read(Catalogue.Operation.grace)
        log = Log(
            level: reader.read(Catalogue.Operation.level), format: reader.read(Catalogue.Operation.format))
    }
}

extension Settings.AMQP {
    fileprivate init(_ reader: inout SettingsReader) {
        urls = reader.read(Catalogue.AMQP.url)
        username = reader.read(Catalogue.AMQP.username)
        password = reader.read(Catalogue.AMQP.passwordFile).map { .file(path: $0) }
        tls = TLS(
            caFile: reader.read(Catalogue.AMQP.caFile), certFile: reader.read(Catalogue.AMQP.certFile),
            keyFile: reader.read(Catalogue.AMQP.keyFile))
        heartbeat = reader.read(Catalogue.AMQP.heartbeat)
        prefetch = reader.read(Catalogue.AMQP.prefetch)
        maxCommandBytes = reader.read(Catalogue.AMQP.maxCommandBytes)
        deliveryLimit = reader.read(Catalogue.AMQP.deliveryLimit)
        consumerTimeout = reader.read(Catalogue.AMQP.consumerTimeout)
        declare = reader.read(Catalogue.AMQP.declare)
        commandQueues = reader.read(Catalogue.AMQP.commandQueues)
        commandExchange = reader.read(Catalogue.AMQP.commandExchange)
        deadExchange = reader.read(Catalogue.AMQP.deadExchange)
        deadQueue = reader.read(Catalogue.AMQP.deadQueue)
        deadAssumeConfigured = reader.read(Catalogue.AMQP.deadAssumeConfigured)
        eventsExchange = reader.read(Catalogue.AMQP.eventsExchange)
        eventsArchiveQueue = reader.read(Catalogue.AMQP.eventsArchiveQueue)
        managementURL = reader.read(Catalogue.AMQP.managementURL)
    }
}

extension Settings.Tenant {
    fileprivate init(_ reader: inout SettingsReader, name: String) {
        self.name = name
        api = reader.read(Catalogue.Cognigy.api, tenant: name)
        baseURL = Settings.withoutSlash(reader.read(Catalogue.Cognigy.baseURL, tenant: name) ?? "")
        clientID = reader.read(Catalogue.Cognigy.clientID, tenant: name)
        clientSecret = reader.read(
            Catalogue.Cognigy.clientSecret, file: Catalogue.Cognigy.clientSecretFile, tenant: name)
        tokenPath = reader.read(Catalogue.Cognigy.tokenPath, tenant: name)
        scope = reader.read(Catalogue.Cognigy.scope, tenant: name)
        apiKey = reader.read(Catalogue.Cognigy.apiKey, file: Catalogue.Cognigy.apiKeyFile, tenant: name)
        caFile = reader.read(Catalogue.Cognigy.caFile, tenant: name)
        downloadHosts = reader.read(Catalogue.Cognigy.downloadHosts, tenant: name)
        maxRequestsPerMinute = reader.read(Catalogue.Cognigy.maxRequestsPerMinute, tenant: name)
    }
}

extension Settings.Retry {
    fileprivate init(_ reader: inout SettingsReader) {
        initial = reader.read(Catalogue.Work.initial)
        max = reader.read(Catalogue.Work.maximum)
        holdFor = reader.read(Catalogue.Work.holdFor)
        maxAttempts = reader.read(Catalogue.Work.maxAttempts)
        maxRuns = reader.read(Catalogue.Work.maxRuns)
        triggerRepeats = reader.read(Catalogue.Work.triggerRepeats)
        triggerDelay = reader.read(Catalogue.Work.triggerDelay)
        transfers = reader.read(Catalogue.Work.transfers)
    }
}

extension Settings.Transfer {
    fileprivate init(_ reader: inout SettingsReader) {
        partSize = reader.read(Catalogue.Transfer.partSize)
        concurrency = reader.read(Catalogue.Transfer.concurrency)
        memoryBudget = reader.read(Catalogue.Transfer.memoryBudget)
        stallTimeout = reader.read(Catalogue.Transfer.stallTimeout)
        maxArtifactBytes = reader.read(Catalogue.Transfer.maxArtifactBytes)
    }
}

extension Settings.S3 {
    fileprivate init(_ reader: inout SettingsReader) {
        bucket = reader.read(Catalogue.Storage.bucket) ?? ""
        region = reader.read(Catalogue.Storage.region)
        endpoint = reader.read(Catalogue.Storage.endpoint).map(Settings.withoutSlash)
        addressing = reader.read(Catalogue.Storage.addressing)
        caFile = reader.read(Catalogue.Storage.caFile)
        encryption = reader.read(Catalogue.Storage.encryption)
        kmsKeyID = reader.read(Catalogue.Storage.kmsKeyID)
        bucketKey = reader.read(Catalogue.Storage.bucketKey)
        keyTemplate = reader.read(Catalogue.Storage.keyTemplate)
        statePrefix = reader.read(Catalogue.Storage.statePrefix)
        conditionalWrites = reader.read(Catalogue.Storage.conditionalWrites)
    }
}

extension Settings {
    fileprivate static func withoutSlash(_ text: String) -> String {
        String(text.reversed().drop { $0 == "/" }.reversed())
    }
}
