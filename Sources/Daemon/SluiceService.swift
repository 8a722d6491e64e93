import Foundation
public import Logging
public import ServiceLifecycle
import Store
import Streams
import UnixSignals
import Wire
import ZeroMQ

/// The daemon as a service: models and stored state are read when it is made, sockets are open while it runs.
///
/// SIGHUP has it read its models again. A graceful shutdown (SIGTERM, SIGINT) and the control method `shutdown` both end it in order: what producers sent is
/// taken, the state is made durable, ``run()`` returns.
public struct SluiceService: Service {
    private let configuration: DaemonConfiguration
    private let models: [ServedModel]
    private let logger: Logger

    /// Reads the models.
    ///
    /// - Parameters:
    ///   - configuration: What to serve and where.
    ///   - logger: Where the daemon says what it does.
    /// - Throws: ``DaemonError`` with one line that names the file and what is wrong with it.
    public init(_ configuration: DaemonConfiguration, logger: Logger) throws(DaemonError) {
        self.configuration = configuration
        self.logger = logger
        models = try configuration.models.map { model throws(DaemonError) in try ServedModel(model) }
    }

    /// Serves until it is told to stop.
    ///
    /// - Throws: ``DaemonError`` where it cannot begin, or did not end in order.
    public func run() async throws {
        let mailbox = try Self.makeMailbox()
        let reloads = Task {
            for await _ in await UnixSignalsSequence(trapping: .sighup) { mailbox.post { $0.reloadAll() } }
        }
        defer { reloads.cancel() }
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // A thread of its own: the hot loop waits in libzmq, which the cooperative pool must not do.
                let thread = Thread {
                    continuation.resume(with: Result { try serve(mailbox) })
                }
                thread.name = "sluice-hot"
                thread.start()
            }
        } onGracefulShutdown: {
            mailbox.post { $0.isStopping = true }
        }
    }

    private static func makeMailbox() throws(DaemonError) -> Mailbox {
        do throws(ZeroMQError) {
            return try Mailbox()
        } catch {
            throw DaemonError(.software, error.description)
        }
    }

    private func serve(_ mailbox: Mailbox) throws(DaemonError) {
        let store = try openStore()
        let table = try restoredTable(from: store)
        var loop = try HotLoop(configuration, table: table, store: store, mailbox: mailbox, logger: logger)
        let endpoints = loop.endpoints
        logger.info(
            """
            ready: ingest \(endpoints.ingest.joined(separator: " ")), decisions \(endpoints.decisions), \
            control \(endpoints.control)
            """)
        try loop.run()
    }

    private func openStore() throws(DaemonError) -> StateStore {
        if configuration.durableFolder == nil {
            let remedy = configuration.stateFolder == nil ? "--state-dir DIR" : "--durability checkpoint"
            logger.notice("all state is in memory and ends with the daemon; \(remedy) keeps it")
        }
        do throws(StoreError) {
            return try StateStore(folder: configuration.durableFolder)
        } catch {
            let code: DaemonError.Code =
                switch error.code {
                case .inUse: .inUse
                case .laterVersion: .badData
                default: .cannotCreate
                }
            throw DaemonError(code, error.description)
        }
    }

    /// The table with all streams of the last checkpoint that a model takes. Those that none takes stay in the store.
    private func restoredTable(from store: StateStore) throws(DaemonError) -> StreamTable {
        var table = StreamTable(models: models)
        do {
            let images = try store.streams()
            let routed = images.filter { table.route($0.id) != nil }
            let layouts = try store.layouts()
            var (same, other): ([StreamImage], [StreamImage]) = ([], [])
            for image in routed {
                let adapted = try table.adapted(
                    image, configuration.onOtherWeights, layout: layouts[image.fingerprint])
                if let adapted { other.append(adapted) } else { same.append(image) }
            }
            try table.restore(same, areStored: true)
            try table.restore(other, areStored: false)
            try store.keepLayouts(of: models)
            if !other.isEmpty {
                let areCarried = configuration.onOtherWeights == .carry
                let fate = areCarried ? "go on with those that there are now" : "begin at zero"
                logger.notice("\(other.count) streams had other weights; they \(fate)")
            }
            if !images.isEmpty {
                logger.info("\(routed.count) streams go on from the last checkpoint")
            }
            if routed.count < images.count {
                let left = images.count - routed.count
                logger.warning("\(left) stored streams fit no model's prefixes; they are kept but not served")
            }
        } catch let error as ControlError {
            let place = "\(configuration.durableFolder ?? "")/\(StateStore.fileName)"
            throw DaemonError(.badData, "\(place): \(error.message), or name another --state-dir")
        } catch {
            throw DaemonError(.badData, "\(error)")
        }
        return table
    }
}
