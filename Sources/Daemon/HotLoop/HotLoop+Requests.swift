import Store
import Streams
import Wire
import ZeroMQ

/// How requests come to be carried out, and replies to be sent. What is large is read and written beside the loop.
extension HotLoop {
    /// How long requests are carried out in one turn before timesteps have theirs.
    private static let timeForRequests = Duration.milliseconds(5)

    /// Takes requests from the socket, as many as there is room for, and carries out those whose turn it is.
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

    /// Whether there is a request that can be carried out without waiting for anything.
    var hasRequests: Bool { requests.hasNext(allowsLarge: !isReading) }

    /// Carries out what came before the end; ``waitForOthers()`` waits for those that are read beside the loop. Those that
    /// wait for an answer to another are not carried out.
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

    /// Carries out a request and answers it, at once or when others have done their part.
    private mutating func carryOut(_ request: ReadRequest) {
        if operation.isBusy, case .success(let command) = request.command, command.isAboutStreams {
            // Its controller's others wait behind it.
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
        requests.release(request.address.peer)
    }

    /// Sends a reply that is small.
    mutating func reply<Answer: Codable & Sendable>(
        _ outcome: Result<Answer, ControlError>, to address: ControlServer.ReturnAddress
    ) {
        send(WrittenReply(outcome, id: address.id), to: address)
    }

    /// Makes a reply and writes it beside the loop, then sends it. Until then the controller's other requests wait, so that
    /// they are answered later.
    mutating func replyBeside<Answer: Codable & Sendable>(
        to address: ControlServer.ReturnAddress, _ answer: @escaping @Sendable () throws(ControlError) -> Answer
    ) {
        requests.hold(address.peer)
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
            loop.requests.release(address.peer)
        }
    }

    /// Has the store do something for a request, and writes the answer to it beside the loop.
    ///
    /// - Parameters:
    ///   - address: Where the answer goes.
    ///   - work: What to do with the store.
    ///   - answer: Takes what the loop knows of the result, and returns how the answer is made of it.
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

    /// Sends a reply. A socket that fails here fails the next receive too, which ends the daemon with the reason.
    private mutating func send(_ reply: WrittenReply, to address: ControlServer.ReturnAddress) {
        if reply.isSuccess { controlRequests.ok += 1 } else { controlRequests.error += 1 }
        requests.noteAnswer(to: address)
        do throws(ZeroMQError) {
            try control.send(reply, to: address)
        } catch {
            logger.error("a control request could not be answered: \(error)")
        }
    }

    /// Does something beside the loop, and goes on with what came of it on the loop.
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
