import Dispatch
import Store
import Synchronization

/// Runs transactions on another thread, one at a time, and posts each result to the hot loop.
///
/// One worker serves the ``StateStore``, and another serves the ``Journal``.
final class StoreWorker<Database: Sendable>: Sendable {
    private let database: Mutex<Database>
    private let mailbox: Mailbox
    private let queue: DispatchQueue

    init(_ database: Database, name: String, answeringTo mailbox: Mailbox) {
        self.database = Mutex(database)
        self.mailbox = mailbox
        queue = DispatchQueue(label: name)
    }

    /// Starts a transaction.
    ///
    /// - Parameters:
    ///   - work: The transaction. It runs on the worker's thread.
    ///   - then: A closure that receives the result on the hot loop's thread, between timesteps.
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

    /// The database that the next transaction uses.
    var current: Database { database.withLock { $0 } }

    /// Replaces the database for all transactions that have not begun yet.
    func use(_ database: Database) { self.database.withLock { $0 = database } }

    /// Runs a closure while no transaction is running. Do not call this on the worker's thread.
    func betweenJobs<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        let result = queue.sync {
            Result { () throws(StoreError) in try body() }
        }
        return try result.get()
    }

    /// Waits until no transaction uses the database. The caller then holds the last reference; releasing it closes the
    /// database.
    func finish() { queue.sync {} }
}
