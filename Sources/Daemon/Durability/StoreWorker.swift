import Dispatch
import Store
import Synchronization

/// Runs transactions beside the hot loop, one after another, and posts what came of each back to it: one worker for the
/// ``StateStore``, one for the ``Journal``.
final class StoreWorker<Database: Sendable>: Sendable {
    private let database: Mutex<Database>
    private let mailbox: Mailbox
    private let queue: DispatchQueue

    init(_ database: Database, name: String, answeringTo mailbox: Mailbox) {
        self.database = Mutex(database)
        self.mailbox = mailbox
        queue = DispatchQueue(label: name)
    }

    /// Starts a piece of work.
    ///
    /// - Parameters:
    ///   - work: What to do with the database, on the worker's own thread.
    ///   - then: What to do with its result, on the hot loop's thread, between two timesteps.
    func start<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        queue.async { [self] in
            let result: Result<Value, StoreError>
            do throws(StoreError) {
                result = .success(try work(current))
            } catch {
                result = .failure(error)
            }
            mailbox.post { loop in then(&loop, result) }
        }
    }

    /// The database that work is begun with now.
    var current: Database { database.withLock { $0 } }

    /// Has the work that is not begun yet use another database.
    func use(_ database: Database) { self.database.withLock { $0 = database } }

    /// Does something while no work is being done. Not from the worker's own thread.
    func betweenJobs<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        let result = queue.sync {
            Result { () throws(StoreError) in try body() }
        }
        return try result.get()
    }

    /// Waits until no work holds the database any more, so that the caller is the one that closes it.
    func finish() { queue.sync {} }
}
