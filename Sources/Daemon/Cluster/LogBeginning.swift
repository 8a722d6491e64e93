#if Cluster
import Cluster
import NATS
import Wire

/// The record that begins each log. It says what is served, so timesteps before it are malformed.
struct LogBeginning {
    private let message: [UInt8]
    private let connection: Connection
    private let patience: Int

    /// - Parameters:
    ///   - record: The record.
    ///   - connection: The connection to NATS.
    ///   - patience: The time for each request, in milliseconds.
    init(record: ServeRecord, connection: Connection, patience: Int) {
        var control = ControlRecord()
        control.serve = record
        message = LogMessage.control(json: JSONBytes.encode(control))
        self.connection = connection
        self.patience = patience
    }

    /// Writes the record to a partition's log if the log has none yet. Usually the log is empty. A producer that writes to
    /// NATS itself may have been earlier.
    ///
    /// - Returns: The state of the log before.
    /// - Throws: ``DaemonError`` if NATS does not answer, or has no such log.
    @discardableResult
    func write(_ partition: Int) throws(DaemonError) -> StreamInformation {
        while true {
            do {
                let log = try StreamInformation(
                    connection.request(
                        JetStream.streamInformation(ClusterNames.log(partition)), timeoutMilliseconds: patience))
                guard try !isBegun(log) else { return log }
                let answer = try connection.request(
                    ClusterNames.logSubject(partition), message.span,
                    headers: PublishHeaders(lastSequence: log.lastSequence).list, timeoutMilliseconds: patience)
                _ = try PublishAcknowledgement(answer)
                return log
            } catch let error as JetStreamError where error.isWrongLastSequence {
                // Another node or a producer was faster.
            } catch {
                throw DaemonError(.cannotCreate, "the log of partition \(partition) cannot be used: \(error)")
            }
        }
    }

    private func isBegun(_ log: StreamInformation) throws -> Bool {
        // Only a checkpoint removes messages, and it has the record. A log that was never used begins at 0.
        guard log.firstSequence <= 1 else { return true }
        do {
            for sequence in 0..<log.lastSequence {
                let request = JetStream.message(at: sequence + 1, in: log.name)
                let stored = try StoredMessage(connection.request(request, timeoutMilliseconds: patience))
                if Self.begins(stored.payload) { return true }
            }
        } catch let error as JetStreamError where error.isNotFound {
            return true
        }
        return false
    }

    private static func begins(_ payload: [UInt8]) -> Bool {
        let bytes = unsafe payload.span.bytes
        guard case .control(let json)? = try? LogMessage(bytes),
            let record = try? JSONBytes.decode(ControlRecord.self, from: bytes.extracting(json))
        else { return false }
        return record.serve != nil && record.isSingle
    }
}
#endif
