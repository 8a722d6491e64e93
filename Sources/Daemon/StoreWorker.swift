import Dispatch
import Store

/// Runs the store's transactions beside the hot loop, one after another, and posts what came of each back to it.
final class StoreWorker: Sendable {
    private let store: StateStore
    private let mailbox: Mailbox
    private let queue = DispatchQueue(label: "sluice.store")

    init(_ store: StateStore, answeringTo mailbox: Mailbox) {
        self.store = store
        self.mailbox = mailbox
    }

    /// Starts a piece of work.
    ///
    /// - Parameters:
    ///   - work: What to do with the store, on the worker's own thread.
    ///   - then: What to do with its result, on the hot loop's thread, between two timesteps.
    func start<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        queue.async { [store, mailbox] in
            let result: Result<Value, StoreError>
            do throws(StoreError) {
                result = .success(try work(store))
            } catch {
                result = .failure(error)
            }
            mailbox.post { loop in then(&loop, result) }
        }
    }
}
