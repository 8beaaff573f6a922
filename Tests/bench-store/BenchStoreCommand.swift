// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NullStore

/// `bench-store`: the null S3 store as a process, for `ops/bench`.
@main
struct BenchStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-store",
        abstract: "An S3 server that verifies signatures and checksums, and throws the bytes away.",
        discussion: """
            Objects of up to 64 KiB can be read back; of larger ones it knows size, ETag, CRC32C, metadata and \
            encryption. Path-style addresses. GET /_bench/ledger tells what was asked and verified; \
            GET /_bench/clear forgets all objects.
            """)

    @Option(help: "The port on 127.0.0.1; 0 takes a free one.")
    var port = 0

    @Option(help: "The access key that is known.")
    var accessKey: String

    @Option(help: "Its secret.")
    var secretKey: String

    func run() async throws {
        let verifier = SignatureVerifier(accessKey: accessKey, secretKey: secretKey)
        let store = try await NullStore.start(port: port, verifier: verifier)
        print("bench-store listens on http://127.0.0.1:\(store.port)")
        // Until a signal ends the process: there is nothing to put in order.
        while !Task.isCancelled { try await Task.sleep(for: .seconds(3600)) }
    }
}
