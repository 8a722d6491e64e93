import Store
import Wire

/// Starts the store's jobs, which run on the store's thread.
extension HotLoop {
    /// Runs a store job for a request, and answers the request once the job is done.
    ///
    /// - Parameters:
    ///   - address: The address to which the answer is sent.
    ///   - work: The job. It runs on the store's thread.
    ///   - then: A closure that receives the result on the hot loop's thread and returns the answer.
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

    /// Runs a store job that writes. Checks before and after the job that the files are still in the state folder, so
    /// success means that the change is durable.
    mutating func startWriteJob<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        startStoreJob(Self.checked(work, folderWatch) { $0 }, then: then)
    }

    /// Adds checks, before and after a job, that the files are in the state folder. If the check after the job finds
    /// that the folder is lost, `afterWriting` adapts the error.
    private static func checked<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value, _ watch: StateFolderWatch?,
        afterWriting: @escaping @Sendable (StoreError) -> StoreError
    ) -> @Sendable (StateStore) throws(StoreError) -> Value {
        { store throws(StoreError) in
            try watch?.check()
            let value = try work(store)
            do throws(StoreError) {
                try watch?.check()
            } catch {
                throw afterWriting(error)
            }
            return value
        }
    }

    /// Runs a store job that writes, and answers a request. If the check after the job finds that the folder is lost,
    /// the error says that the change may have been made.
    mutating func startWriteJob<Value: Sendable, Answer: Codable & Sendable>(
        for address: ControlServer.ReturnAddress,
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Value) throws(ControlError) -> Answer
    ) {
        startStoreJob(for: address, Self.checked(work, folderWatch) { $0.afterWriting }, then: then)
    }

    /// Runs a store job, and passes the result to `then` on the hot loop.
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
    /// Creates the error that a controller receives when the store fails.
    init(_ error: StoreError) {
        switch error.code {
        case .noSuchSnapshot: self.init(.noSuchSnapshot, error.description)
        case .snapshotExists: self.init(.invalidParams, error.description)
        case .cannotOpen, .inUse, .laterVersion, .damaged, .folderLost, .diskFull, .failed:
            self.init(.storeFailed, error.description)
        }
    }
}
