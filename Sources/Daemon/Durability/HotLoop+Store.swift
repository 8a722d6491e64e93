import Store
import Wire

/// Jobs for the store, beside the hot loop.
extension HotLoop {
    /// Has the store do something for a request, and answers the request when that is done.
    ///
    /// - Parameters:
    ///   - address: Where the answer goes.
    ///   - work: What to do with the store.
    ///   - then: What to do on the hot loop with what came of it; its value is the answer.
    mutating func startStoreJob<Value: Sendable, Answer: Codable & Sendable>(
        for address: ControlServer.ReturnAddress,
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Value) throws(ControlError) -> Answer
    ) {
        startStoreJob(work) { loop, result in
            do throws(ControlError) {
                switch result {
                case .success(let value): loop.reply(.success(try then(&loop, value)), to: address)
                case .failure(let error): throw ControlError(error)
                }
            } catch {
                loop.reply(Result<Answer, ControlError>.failure(error), to: address)
            }
        }
    }

    /// Has the store write something that is durable where it says so: the files are still in the state folder before and after.
    mutating func startWriteJob<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        startStoreJob(Self.checked(work, folderWatch), then: then)
    }

    private static func checked<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value, _ watch: StateFolderWatch?
    ) -> @Sendable (StateStore) throws(StoreError) -> Value {
        { store throws(StoreError) in
            try watch?.check()
            let value = try work(store)
            try watch?.check()
            return value
        }
    }

    /// The same, and answers a request when that is done, or where it may be done.
    mutating func startWriteJob<Value: Sendable, Answer: Codable & Sendable>(
        for address: ControlServer.ReturnAddress,
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Value) throws(ControlError) -> Answer
    ) {
        startStoreJob(
            for: address,
            { [folderWatch] store throws(StoreError) in
                try folderWatch?.check()
                let value = try work(store)
                do throws(StoreError) {
                    try folderWatch?.check()
                } catch {
                    throw error.afterWriting
                }
                return value
            }, then: then)
    }

    /// Has the store do something, and goes on with what came of it on the hot loop.
    mutating func startStoreJob<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        outsideJobs += 1
        worker.start(work) { loop, result in
            loop.outsideJobs -= 1
            then(&loop, result)
        }
    }
}

extension ControlError {
    /// The error that a controller gets where the store did not do its part.
    init(_ error: StoreError) {
        switch error.code {
        case .noSuchSnapshot: self.init(.noSuchSnapshot, error.description)
        case .snapshotExists: self.init(.invalidParams, error.description)
        case .cannotOpen, .inUse, .laterVersion, .damaged, .folderLost, .diskFull, .failed:
            self.init(.storeFailed, error.description)
        }
    }
}
