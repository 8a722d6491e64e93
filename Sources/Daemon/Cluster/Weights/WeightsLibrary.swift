#if Cluster
import Cluster
import Dispatch
import Foundation
import Logging
import ModelFiles
import NATS
import Streams
import Synchronization
import Wire

/// The weights that a cluster serves. They are stored in NATS by their fingerprints, as `.safetensors` files of Sluice, so
/// a node can serve weights that are in none of its files.
///
/// One thread reads files and talks to NATS. Workers and control ask for what is ready, and never wait.
final class WeightsLibrary: Sendable {
    /// Weights that were asked for.
    private enum Entry {
        case reading
        case read(Result<ServedModel, PartitionError>)
    }

    private struct State {
        var entries: [Weights: Entry] = [:]
        var reloads: [Reload] = []
    }

    /// A model file that was read again and stored.
    struct Reload: Sendable {
        /// The number that the caller gave.
        let number: Int
        let served: Result<ServedModel, ControlError>
    }

    /// The time for each request, in milliseconds.
    private static let patience = 5_000
    /// The time between two attempts to read weights, in seconds.
    private static let retryInterval = 1.0
    /// The number of attempts to find weights that NATS does not have.
    private static let maximumAttempts = 10
    /// The length of a chunk in bytes.
    private static let chunkLength = 256 << 10

    private let configuration: DaemonConfiguration
    private let models: [ServedModel]
    private let connection: Connection
    private let logger: Logger
    private let queue = DispatchQueue(label: "sluice-weights")
    private let state = Mutex(State())

    /// Creates the library of a node.
    ///
    /// - Parameters:
    ///   - configuration: The configuration of the daemon, with the models' files.
    ///   - models: The models in these files.
    ///   - connection: A connection that only the library uses.
    ///   - logger: The daemon's log.
    init(_ configuration: DaemonConfiguration, models: [ServedModel], over connection: Connection, logger: Logger) {
        self.configuration = configuration
        self.models = models
        self.connection = connection
        self.logger = logger
    }

    /// Stores the weights of the node's files, so that other nodes find them.
    func storeModels() {
        for (index, served) in models.enumerated() {
            queue.async { [self] in
                do throws(DaemonError) {
                    let stored = try store(fileOf: index)
                    guard stored.fingerprint == served.fingerprint else {
                        return logger.warning("\(served.file) has changed since the start; 'sluice reload' reads it")
                    }
                } catch {
                    logger.error("the weights of '\(served.name)' are not stored in NATS: \(error)")
                }
            }
        }
    }

    /// Looks weights up, and begins to read them from NATS if they are new.
    ///
    /// - Returns: The model, or the reason why this node cannot serve it; nil while the weights are being read.
    func find(_ weights: Weights) -> Result<ServedModel, PartitionError>? {
        state.withLock { state in
            switch state.entries[weights] {
            case .read(let result):
                // After a failure, the next question tries again.
                if case .failure = result { state.entries[weights] = nil }
                return result
            case .reading: return nil
            case nil:
                state.entries[weights] = .reading
                queue.async { [self] in read(weights, attempt: 1) }
                return nil
            }
        }
    }

    /// Reads a model's file again and stores its weights. ``takeReloads()`` returns the result.
    func reload(_ model: Int, number: Int) {
        queue.async { [self] in
            let served: Result<ServedModel, ControlError>
            do throws(DaemonError) {
                served = .success(try store(fileOf: model))
            } catch {
                let code: ControlError.Code = error.code == .software ? .storeFailed : .modelFailed
                served = .failure(ControlError(code, error.description))
            }
            state.withLock { $0.reloads.append(Reload(number: number, served: served)) }
        }
    }

    /// Takes the results of reloads.
    func takeReloads() -> [Reload] {
        state.withLock { state in
            defer { state.reloads = [] }
            return state.reloads
        }
    }
}

/// The work on the library's thread.
extension WeightsLibrary {
    /// Converts a model's file, and stores it unless NATS has its weights already.
    private func store(fileOf model: Int) throws(DaemonError) -> ServedModel {
        let folder = try WeightsFolder()
        let file = configuration.models[model].file
        do throws(ModelFileError) {
            _ = try ModelFile.convert(file, to: folder.file, replacing: true)
        } catch {
            throw DaemonError([.notFound, .unreadable].contains(error.code) ? .noInput : .badData, error.description)
        }
        let served = try read(folder, as: model)
        do {
            try store(folder.file, as: served.fingerprint)
        } catch {
            throw DaemonError(.software, "the weights of \(file) cannot be stored in NATS: \(error)")
        }
        state.withLock { $0.entries[Weights(model: model, served.fingerprint)] = .read(.success(served)) }
        return served
    }

    /// Reads a converted file with the policy of a model.
    private func read(_ folder: WeightsFolder, as model: Int) throws(DaemonError) -> ServedModel {
        let policy = models[model].policy
        let configured = DaemonConfiguration.Model(
            name: models[model].name, file: configuration.models[model].file, policy: policy, mode: policy.mode,
            emit: policy.emit, threshold: policy.threshold)
        return try ServedModel(configured, readFrom: folder.file)
    }

    private func store(_ path: String, as fingerprint: String) throws {
        let place = ClusterNames.weightsPlaceSubject(fingerprint)
        if try find(place) != nil { return }
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        var chunks: [UInt64] = []
        for start in stride(from: 0, to: bytes.count, by: Self.chunkLength) {
            let chunk = bytes[start..<min(bytes.count, start + Self.chunkLength)]
            chunks.append(try publish(Array(chunk), to: ClusterNames.weightsChunkSubject(fingerprint)))
        }
        var hash = SHA256()
        hash.update(bytes)
        let stored = StoredFile(chunks: chunks, sha256: hash.hexadecimalDigest)
        _ = try publish(JSONBytes.encode(stored), to: place)
    }

    private func publish(_ bytes: [UInt8], to subject: String) throws -> UInt64 {
        let answer = try connection.request(subject, bytes.span, timeoutMilliseconds: Self.patience)
        return try PublishAcknowledgement(answer).sequence
    }

    private func find(_ place: String) throws -> StoredFile? {
        do {
            let request = JetStream.lastMessage(of: place, in: ClusterNames.weights)
            let message = try StoredMessage(connection.request(request, timeoutMilliseconds: Self.patience))
            return try JSONBytes.decode(StoredFile.self, from: unsafe message.payload.span.bytes)
        } catch let error as JetStreamError where error.isNotFound {
            return nil
        }
    }

    /// Reads weights from NATS. If NATS does not answer, or does not have the weights yet, the library tries again.
    private func read(_ weights: Weights, attempt: Int) {
        let name = models[weights.model].name
        let words = "the weights \(weights.fingerprint.prefix(12))… of '\(name)'"
        let result: Result<ServedModel, PartitionError>
        do {
            guard let stored = try find(ClusterNames.weightsPlaceSubject(weights.fingerprint)) else {
                // A node that has just started may still be storing them.
                if attempt < Self.maximumAttempts { return readLater(weights, attempt: attempt + 1) }
                throw PartitionError(.cannotServe, "\(words) are neither in this node's file nor in NATS")
            }
            let folder = try WeightsFolder()
            try bytes(of: stored).write(to: URL(filePath: folder.file))
            let served = try read(folder, as: weights.model)
            guard served.fingerprint == weights.fingerprint else {
                throw PartitionError(.damaged, "\(words) in NATS are damaged")
            }
            logger.info("\(words) come from NATS")
            result = .success(served)
        } catch let error as PartitionError {
            result = .failure(error)
        } catch let error as DaemonError {
            result = .failure(PartitionError(.cannotServe, "\(words) cannot be used: \(error)"))
        } catch {
            logger.warning("\(words) cannot be read from NATS; the node tries again: \(error)")
            return readLater(weights, attempt: attempt)
        }
        state.withLock { $0.entries[weights] = .read(result) }
    }

    private func readLater(_ weights: Weights, attempt: Int) {
        queue.asyncAfter(deadline: .now() + Self.retryInterval) { [self] in read(weights, attempt: attempt) }
    }

    private func bytes(of stored: StoredFile) throws -> Data {
        var bytes = Data()
        for sequence in stored.chunks {
            let request = JetStream.message(at: sequence, in: ClusterNames.weights)
            let message = try connection.request(request, timeoutMilliseconds: Self.patience)
            bytes.append(contentsOf: try StoredMessage(message).payload)
        }
        return bytes
    }
}

/// A folder for one converted model file, which is deleted with this object.
private final class WeightsFolder {
    private let folder: URL

    init() throws(DaemonError) {
        folder = FileManager.default.temporaryDirectory.appending(path: "sluiced-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw DaemonError(.cannotCreate, "no folder for a model file in \(folder.path): \(error)")
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The path of the file.
    var file: String { folder.appending(path: "model.safetensors").path }
}
#endif
