// swift-tools-version: 6.2
import PackageDescription

/// The settings of every target: warnings are errors, and unsafe code must be marked.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    // The hot path runs through five modules, so release builds inline across modules.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

/// Settings of targets that debug builds optimize, too, because their tests would take minutes otherwise.
let optimized: [SwiftSetting] = [
    .unsafeFlags(["-O", "-wmo", "-num-threads", "2", "-disable-batch-mode"], .when(configuration: .debug))
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluiced", targets: ["sluiced"]),
        .executable(name: "sluice", targets: ["sluice"]),
        // Preloaded into the daemon by tests.
        .library(name: "AllocationCounter", type: .dynamic, targets: ["AllocationCounter"]),
        .library(name: "FaultInjector", type: .dynamic, targets: ["FaultInjector"]),
    ],
    traits: [
        .trait(name: "Keras", description: "Read and write Keras files, with HDF5 and libzip."),
        .trait(name: "Cluster", description: "Run on several machines over NATS JetStream, with libnats."),
        .default(enabledTraits: ["Keras"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C libraries: a module map and a shim, nothing else.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CNATS", providers: [.apt(["libnats-dev"])]),
        .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CZip", providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CMalloc"),

        // The engine's inner loops, compiled once per vector instruction set.
        .target(
            name: "CKernels",
            exclude: [
                "batched.inc", "functions.inc", "kernels.inc", "scalar.inc", "sequence.inc",
                "training-vectors.inc", "training.inc",
            ],
            // Debug builds optimize these loops too, because tests step and train through them.
            cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
        // Loops that measure a core's peak rates, which bound the engine's speed.
        .target(name: "CBounds", exclude: ["bounds.inc"]),

        // Ground floor: values and arithmetic. No sockets, files, clock, logger or Foundation.
        .target(name: "Recurrent", dependencies: ["CKernels"], swiftSettings: settings),
        .target(
            name: "Wire",
            dependencies: ["CSodium", .target(name: "CCrypto", condition: .when(traits: ["Cluster"]))],
            swiftSettings: settings),

        // One floor up: each target wraps one external library or implements one idea.
        .target(
            name: "Training", dependencies: ["Recurrent"],
            // Tests compare whole trainings with Keras'.
            swiftSettings: settings + optimized),
        .target(name: "ZeroMQ", dependencies: ["CZeroMQ"], swiftSettings: settings),
        // Without the `Cluster` trait, this module is empty, so libnats need not be installed.
        .target(
            name: "NATS",
            dependencies: [
                "Wire",
                .target(name: "CNATS", condition: .when(traits: ["Cluster"])),
                .target(name: "CSodium", condition: .when(traits: ["Cluster"])),
            ],
            swiftSettings: settings),
        .target(
            name: "ModelFiles",
            dependencies: ["Recurrent", "Wire", .product(name: "Yams", package: "Yams")],
            swiftSettings: settings),
        // Without the `Keras` trait, this module is empty, so HDF5 and libzip need not be installed.
        .target(
            name: "KerasArchives",
            dependencies: [
                "ModelFiles", "Recurrent",
                .target(name: "CHDF5", condition: .when(traits: ["Keras"])),
                .target(name: "CZip", condition: .when(traits: ["Keras"])),
            ],
            swiftSettings: settings),
        .target(name: "Streams", dependencies: ["Recurrent", "Wire"], swiftSettings: settings),
        .target(
            name: "Store",
            dependencies: [
                "CSodium", "CSQLite", "Streams", "Wire", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings),

        // Partitions, membership, gateway and outlet of a cluster, as values: no sockets and no clock.
        // Tests simulate a thousand clusters.
        .target(name: "Cluster", dependencies: ["Recurrent", "Streams", "Wire"], swiftSettings: settings + optimized),

        // A small HTTP server and the files of the live pages, which are built in.
        .target(
            name: "HTTPServer",
            dependencies: [
                logging, .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ],
            resources: [.embedInCode("Page")],
            swiftSettings: settings),

        // The logic of the two programs, then the programs themselves: arguments in, output out.
        .target(
            name: "Daemon",
            dependencies: [
                "CMalloc", "Cluster", "HTTPServer", "ModelFiles", "NATS", "Recurrent", "Store", "Streams", "Wire",
                "ZeroMQ", logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .target(
            name: "Client",
            dependencies: [
                "CBounds", "CZlib", "HTTPServer", "ModelFiles", "NATS", "Recurrent", "Streams", "Training", "Wire",
                "ZeroMQ",
                logging, .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "sluiced",
            dependencies: [
                "Daemon", "HTTPServer", "KerasArchives", "Store", "Streams", "Wire", "ZeroMQ", argumentParser, logging,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "sluice",
            dependencies: [
                "Client", "HTTPServer", "KerasArchives", "ModelFiles", "Recurrent", "Store", "Streams", "Training",
                "Wire", "ZeroMQ", argumentParser,
            ],
            swiftSettings: settings),

        // Each test target is named after the target that it tests. EndToEndTests starts the real daemon and talks to
        // it over real sockets.
        .target(
            name: "TestSupport", dependencies: ["Recurrent"], path: "Tests/TestSupport", swiftSettings: settings),
        // A preloaded library that replaces malloc and counts the daemon's allocations.
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        // A preloaded library that records the daemon's writes, so that a test can simulate a power cut. The library
        // can also shift the daemon's time of day.
        .target(name: "FaultInjector", path: "Tests/FaultInjector"),
        .executableTarget(
            name: "fuzz-model-files", dependencies: ["KerasArchives", "ModelFiles", "TestSupport", argumentParser],
            path: "Tests/FuzzModelFiles", swiftSettings: settings),
        .executableTarget(
            name: "fuzz-messages",
            dependencies: ["Daemon", "ModelFiles", "Streams", "TestSupport", "Wire", argumentParser],
            path: "Tests/FuzzMessages", swiftSettings: settings),
        .testTarget(
            name: "RecurrentTests", dependencies: ["ModelFiles", "Recurrent", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "TrainingTests", dependencies: ["ModelFiles", "Recurrent", "TestSupport", "Training"],
            swiftSettings: settings),
        .testTarget(name: "WireTests", dependencies: ["TestSupport", "Wire"], swiftSettings: settings),
        .testTarget(name: "ZeroMQTests", dependencies: ["TestSupport", "ZeroMQ"], swiftSettings: settings),
        // Without the `Cluster` trait, this module is empty. Its tests start real NATS servers.
        .testTarget(name: "NATSTests", dependencies: ["NATS", "TestSupport", "Wire"], swiftSettings: settings),
        .testTarget(
            name: "ModelFilesTests", dependencies: ["ModelFiles", "Recurrent", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "StreamsTests", dependencies: ["Recurrent", "Streams", "TestSupport", "Wire"],
            swiftSettings: settings),
        .testTarget(
            name: "ClusterTests", dependencies: ["Cluster", "Recurrent", "Streams", "TestSupport", "Wire"],
            swiftSettings: settings + optimized),
        .testTarget(
            name: "StoreTests",
            dependencies: ["Store", "Streams", "TestSupport", "Wire", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "Cluster", "Daemon", "HTTPServer", "NATS", "Streams", "TestSupport", "Wire", "ZeroMQ", logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "HTTPServer", "TestSupport", logging, .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ClientTests", dependencies: ["CBounds", "Client", "Recurrent", "TestSupport", "Wire", "ZeroMQ"],
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Client", "NATS", "TestSupport", "Wire", "ZeroMQ", .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
    ]
)
