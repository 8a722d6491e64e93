import Dispatch
import Store

/// Runs transactions beside the hot loop, one after another, and posts what came of each back to it: one worker for the
/// ``StateStore``, one for the ``Journal``.
final class StoreWorker<Database: Sendable>: Sendable {
    private let database: Database
    private let mailbox: Mailbox
    private let queue: DispatchQueue

    init(_ database: Database, name: String, answeringTo mailbox: Mailbox) {
        self.database = database
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
        queue.async { [database, mailbox] in
            let result: Result<Value, StoreError>
            do throws(StoreError) {
                result = .success(try work(database))
            } catch {
                result = .failure(error)
            }
            mailbox.post { loop in then(&loop, result) }
        }
    }

    /// Waits until no work holds the database any more, so that the caller is the one that closes it.
    func finish() { queue.sync {} }
}
