// swift-tools-version: 6.2
// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// The strict flags every Swift target is built with, each with the proposal that explains it.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    .strictMemorySafety(),  // SE-0458
    .treatAllWarnings(as: .error),  // SE-0443, SE-0480
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// The fuzz targets are tests that replay their corpus; `ops/fuzz`, which sets this, builds them as a program with
/// libFuzzer in it instead. (No target of its own: it sees internals, which only a build for testing shows.)
let isFuzzing = Context.environment["NLU_FUZZ"] != nil
let fuzzed: [Target.Dependency] = [
    "AMQP", "Cognigy", "ExportPipeline", "HTTPTransport", "ObjectStore", "TestKit", "Worker",
]

let package = Package(
    name: "nlu-export-worker",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C libraries, and the only targets that import them.
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CCRC32C"),
        .target(name: "CProcess"),
        .target(name: "AMQP", dependencies: ["CRabbitMQ", deque, logging], swiftSettings: strict),
        .target(name: "HTTPTransport", dependencies: ["CCurl", deque, logging], swiftSettings: strict),

        // The domain: imports nothing of ours.
        .target(name: "ExportPipeline", dependencies: [crypto, logging], swiftSettings: strict),

        // What the domain needs from outside.
        .target(
            name: "ObjectStore", dependencies: ["CCRC32C", "HTTPTransport", crypto, logging], swiftSettings: strict),
        .target(name: "Cognigy", dependencies: ["ExportPipeline", "HTTPTransport", logging], swiftSettings: strict),

        // The runtime and its command line.
        .target(
            name: "Worker",
            dependencies: [
                "AMQP", "Cognigy", "CProcess", "ExportPipeline", "HTTPTransport", "ObjectStore",
                configuration, crypto, lifecycle, logging, unixSignals, yams,
            ], swiftSettings: strict),
        .executableTarget(
            name: "nlu-export-worker", dependencies: ["Worker", argumentParser], swiftSettings: strict),

        // A tenant for tests, the demo and benchmarks.
        .target(
            name: "CognigySimulator", dependencies: [crypto, hummingbird, httpTypes, logging, nioCore, nioPosix],
            swiftSettings: strict),
        .executableTarget(
            name: "cognigy-simulator", dependencies: ["CognigySimulator", argumentParser], swiftSettings: strict),

        // What several test targets share, and the tests: one target a module, then the real broker and the real store.
        .target(name: "TestKit", path: "Tests/TestKit", swiftSettings: strict),
        .target(
            name: "PipelineTestKit", dependencies: ["ExportPipeline"], path: "Tests/PipelineTestKit",
            swiftSettings: strict),
        .testTarget(name: "AMQPTests", dependencies: ["AMQP", "TestKit", logging], swiftSettings: strict),
        .testTarget(
            name: "HTTPTransportTests", dependencies: ["HTTPTransport", "TestKit", logging], swiftSettings: strict),
        .testTarget(
            name: "ObjectStoreTests", dependencies: ["CCRC32C", "HTTPTransport", "ObjectStore", crypto, logging],
            swiftSettings: strict),
        .testTarget(
            name: "CognigyTests", dependencies: ["Cognigy", "ExportPipeline", "HTTPTransport", "TestKit", logging],
            swiftSettings: strict),
        .testTarget(
            name: "ExportPipelineTests", dependencies: ["ExportPipeline", "PipelineTestKit", "TestKit"],
            swiftSettings: strict),
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "AMQP", "Cognigy", "ExportPipeline", "HTTPTransport", "ObjectStore", "Worker", logging, yams,
            ], swiftSettings: strict),
        .testTarget(
            name: "CommandLineTests", dependencies: ["nlu-export-worker", "Worker", argumentParser],
            swiftSettings: strict),
        .testTarget(
            name: "CognigySimulatorTests", dependencies: ["CognigySimulator", crypto, nioCore, nioPosix],
            swiftSettings: strict),
        isFuzzing
            ? .executableTarget(
                name: "Fuzz", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["corpus", "Replay"],
                swiftSettings: strict)
            : .testTarget(
                name: "Fuzz", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["corpus", "Driver"],
                swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "AMQP", "Cognigy", "CognigySimulator", "ExportPipeline", "HTTPTransport", "ObjectStore", "TestKit",
                "Worker", crypto, lifecycle, logging,
            ], swiftSettings: strict),

        // Workers in simulated worlds: ops/simulate, and a short run among the tests.
        .target(
            name: "SimulationKit", dependencies: ["AMQP", "ExportPipeline", "TestKit"], path: "Tests/SimulationKit",
            swiftSettings: strict),
        .executableTarget(
            name: "simulate", dependencies: ["SimulationKit", argumentParser], path: "Tests/simulate",
            swiftSettings: strict),
        .testTarget(name: "SimulationTests", dependencies: ["simulate", "TestKit"], swiftSettings: strict),

        // Real workers as processes under kill -9, outages and partitions: ops/chaos, and a short run among the tests.
        .target(
            name: "ChaosKit",
            dependencies: ["AMQP", "CognigySimulator", "HTTPTransport", "ObjectStore", "TestKit", crypto, logging],
            path: "Tests/ChaosKit", swiftSettings: strict),
        .executableTarget(
            name: "chaos", dependencies: ["ChaosKit", argumentParser], path: "Tests/chaos", swiftSettings: strict),
        .testTarget(
            name: "ChaosTests", dependencies: ["ChaosKit", "CognigySimulator", "TestKit", "nlu-export-worker"],
            swiftSettings: strict),

        // What ops/bench measures against: an S3 server that verifies everything and keeps nothing.
        .target(
            name: "NullStore", dependencies: ["CCRC32C", crypto, nioCore, nioHTTP1, nioPosix], path: "Tests/NullStore",
            swiftSettings: strict),
        .executableTarget(
            name: "bench-store", dependencies: ["NullStore", argumentParser], path: "Tests/bench-store",
            swiftSettings: strict),
        .testTarget(
            name: "NullStoreTests", dependencies: ["HTTPTransport", "NullStore", "ObjectStore", logging, nioCore],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
