import Store
import Streams
import Wire
import ZeroMQ

/// Carries out requests and sends replies. Large requests are read, and large replies written, on another thread.
extension HotLoop {
    /// The time per turn for requests. This limits how long requests can hold up timesteps.
    private static let timeForRequests = Duration.milliseconds(5)

    /// Receives requests while the queue has room, and then carries out the requests that are next in line.
    mutating func takeRequests() throws(ZeroMQError) {
        for _ in 0..<Self.requestsPerTurn {
            guard requests.hasRoom, let request = try control.receive() else { break }
            requests.add(request)
        }
        let end = ContinuousClock.now + Self.timeForRequests
        while let request = requests.next(allowsLarge: !isReading) {
            read(request)
            if ContinuousClock.now >= end { return }
        }
    }

    /// Whether there is a request that can be carried out at once.
    var hasRequests: Bool { requests.hasNext(allowsLarge: !isReading) }

    /// Carries out the requests that were received before the stop, except for those that wait for the answer to
    /// another request.
    ///
    /// ``waitForOthers()`` waits for the requests that another thread is still reading.
    mutating func takeLastRequests() throws(ZeroMQError) {
        for _ in 0..<Self.requestsPerTurn {
            guard requests.hasRoom, let request = try control.receive() else { break }
            requests.add(request)
        }
        readLastRequests()
        cancelPages()
    }

    private mutating func readLastRequests() {
        while let request = requests.next(allowsLarge: !isReading) { read(request) }
    }

    private mutating func read(_ request: RawRequest) {
        guard request.isLarge else { return carryOut(ReadRequest(request)) }
        isReading = true
        startSideJob {
            ReadRequest(request)
        } then: { loop, request in
            loop.isReading = false
            loop.carryOut(request)
            if loop.isStopping { loop.readLastRequests() }
        }
    }

    /// Carries out a request. The answer is sent at once, or after other threads have done their part.
    private mutating func carryOut(_ request: ReadRequest) {
        if operation.isBusy, case .success(let command) = request.command, command.concernsStreams {
            // Later requests of the same controller wait until this one has been answered.
            return operation.waiting.append { $0.carryOutNow(request) }
        }
        carryOutNow(request)
    }

    private mutating func carryOutNow(_ request: ReadRequest) {
        do throws(ControlError) {
            try carryOut(try request.command.get(), with: request.images, for: request.address)
        } catch {
            reply(Result<JSONValue, ControlError>.failure(error), to: request.address)
        }
        requests.release(request.address.controller)
    }

    /// Encodes and sends a small reply.
    mutating func reply<Answer: Codable & Sendable>(
        _ outcome: Result<Answer, ControlError>, to address: ControlServer.ReturnAddress
    ) {
        send(WrittenReply(outcome, id: address.id), to: address)
    }

    /// Builds and encodes a reply on another thread, then sends it. Later requests of the same controller wait, so that
    /// their replies follow this one.
    mutating func replyBeside<Answer: Codable & Sendable>(
        to address: ControlServer.ReturnAddress, _ answer: @escaping @Sendable () throws(ControlError) -> Answer
    ) {
        requests.hold(address.controller)
        startSideJob {
            let outcome: Result<Answer, ControlError>
            do throws(ControlError) {
                outcome = .success(try answer())
            } catch {
                outcome = .failure(error)
            }
            return WrittenReply(outcome, id: address.id)
        } then: { loop, reply in
            loop.send(reply, to: address)
            loop.requests.release(address.controller)
        }
    }

    /// Runs a store job for a request, and builds the reply on another thread.
    ///
    /// - Parameters:
    ///   - address: The address to which the reply is sent.
    ///   - work: The job. It runs on the store's thread.
    ///   - answer: A closure that runs on the loop's thread and returns another closure, which builds the answer on
    ///     another thread.
    mutating func startStoreJob<Value: Sendable, Answer: Codable & Sendable>(
        for address: ControlServer.ReturnAddress,
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        beside answer: @escaping @Sendable (inout HotLoop, Value) -> @Sendable () throws(ControlError) -> Answer
    ) {
        startStoreJob(work) { loop, result in
            switch result {
            case .success(let value): loop.replyBeside(to: address, answer(&loop, value))
            case .failure(let error):
                loop.reply(Result<Answer, ControlError>.failure(ControlError(error)), to: address)
            }
        }
    }

    /// Sends a reply. If the socket has failed, the next receive also fails, and its error ends the daemon.
    private mutating func send(_ reply: WrittenReply, to address: ControlServer.ReturnAddress) {
        controlRequests.count(reply)
        requests.noteAnswer(to: address)
        do throws(ZeroMQError) {
            try control.send(reply, to: address)
        } catch {
            logger.error("a control request could not be answered: \(error)")
        }
    }

    /// Runs work on another thread, and passes the result to `then` on the loop's thread.
    mutating func startSideJob<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value, then: @escaping @Sendable (inout HotLoop, Value) -> Void
    ) {
        outsideJobs += 1
        sideWorker.start(work) { loop, value in
            loop.outsideJobs -= 1
            then(&loop, value)
        }
    }
}
