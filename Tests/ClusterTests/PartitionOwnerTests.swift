import Cluster
import Recurrent
import Streams
import TestSupport
import Testing
import Wire

@Suite struct `The ownership of a partition` {
    private let offer: ServeOffer
    /// The weights that records of reloads name, besides those of the offer.
    private let other: ServedModel

    init() throws {
        other = served(try livelyModel(seed: 7), name: "lstm", prefixes: ["a"], weights: "other")
        offer = ServeOffer(models: [
            served(try livelyModel(), name: "lstm", prefixes: ["a"]),
            try served(
                twoWayModel(), name: "both", prefixes: ["b"], mode: try #require(ServingPolicy.Mode("window:4:1"))),
        ])
    }

    /// Fills a log: the record that says what is served, then timesteps with changes in between.
    ///
    /// - Parameters:
    ///   - partition: The partition.
    ///   - messages: The number of messages.
    ///   - seed: The seed of the content.
    ///   - kinds: The number of kinds of changes: 3 for resets and removals only.
    private func fill(_ partition: SimulatedPartition, messages: Int, seed: UInt64, kinds: UInt64 = 8) {
        var random = SplitMix64(seed: seed)
        if partition.logEnd == 0 {
            var record = ControlRecord()
            record.serve = offer.record
            partition.appendToLog(LogMessage.control(json: JSONBytes.encode(record)))
        }
        for _ in 0..<messages {
            if random.next() % 20 == 0 {
                let record = change(of: partition, kinds, &random)
                partition.appendToLog(LogMessage.control(json: JSONBytes.encode(record)))
                continue
            }
            var builder = LogMessageBuilder()
            for _ in 0..<(1 + random.next() % 6) {
                let id = "\(random.next() % 2 == 0 ? "a" : "b")\(random.next() % 8)"
                let values = (0..<(1 + random.next() % 3)).map { _ in Float(random.next() % 1000) / 500 - 1 }
                unsafe builder.append(id: id.utf8.span, header: nil, payload: Timesteps.bytes(values).span.bytes)
            }
            partition.appendToLog(builder.bytes)
        }
    }

    /// Returns a record that changes streams or snapshots.
    private func change(
        of partition: SimulatedPartition, _ kinds: UInt64, _ random: inout SplitMix64
    ) -> ControlRecord {
        var record = ControlRecord(reply: "inbox")
        let stream = ControlRecord.Selection(.stream("a\(random.next() % 8)"))
        let name = "s\(random.next() % 2)"
        switch random.next() % kinds {
        case 0: record.remove = stream
        case 1, 2: record.reset = stream
        case 3, 4:
            record.snapshot = SnapshotRecord(name: name, id: "\(partition.logEnd)", streams: .prefix("a"))
            if partition.snapshotIDs[name] == nil { partition.snapshotIDs[name] = "\(partition.logEnd)" }
        case 5:
            record.reload = .init(
                model: "lstm", fingerprint: random.next() % 2 == 0 ? other.fingerprint : offer.models[0].fingerprint,
                resets: random.next() % 4 == 0)
        case 6:
            record.deleteSnapshot = SnapshotRecord(
                name: name, id: partition.snapshotIDs.removeValue(forKey: name) ?? "none", streams: .all)
        default:
            record.restore = SnapshotRecord(name: name, id: partition.snapshotIDs[name] ?? "none", streams: .all)
        }
        return record
    }

    /// Returns the items of an owner that nothing disturbs.
    private func undisturbed(_ partition: SimulatedPartition) throws -> (items: [UInt8], image: PartitionImage) {
        let table = PartitionTable(partition: 0, offer: offer)
        var items: [UInt8] = []
        for message in partition.history {
            switch table.need(of: message.bytes.span) {
            case .image(let snapshot): try #require(table.loadUnstored(snapshot))
            case .weights(let weights): table.offer.add(other, as: weights)
            case nil: break
            }
            _ = try table.apply(message.bytes.span, sequence: message.sequence, time: message.time, into: &items)
        }
        return (items, try #require(table.image()))
    }

    private func run(_ driver: SimulatedDriver) {
        for _ in 0..<1000 where !driver.isIdle {
            driver.step()
            driver.wait(100_000_000)
        }
    }

    @Test func `an owner decides on the whole log and answers its requests`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 100, seed: 1)
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        run(driver)
        #expect(driver.owner.phase == .serving)
        #expect(try partition.items() == undisturbed(partition).items)
        #expect(!driver.answers.isEmpty)
    }

    @Test func `an owner serves once it has decided on what the log had`() {
        let partition = SimulatedPartition()
        fill(partition, messages: 100, seed: 1)
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        for _ in 0..<10 where driver.owner.phase != .replaying { driver.step(effects: 1, messages: 0) }
        driver.step(effects: 0, messages: 0)
        #expect(driver.owner.phase == .replaying, "the end of the log is not known yet")
        driver.step(messages: 50)
        driver.wait(100_000_000)
        #expect(driver.owner.phase == .replaying && driver.owner.logEnd == partition.logEnd)
        run(driver)
        #expect(driver.owner.phase == .serving)
    }

    @Test func `owners that die, freeze, drain or lose answers leave neither gap nor duplicate`() throws {
        let expected = try undisturbedItems
        for seed in 0..<100 {
            #expect(try disturb(SimulatedPartition(), seed: UInt64(seed)) == expected, "seed \(seed)")
        }
    }

    /// Returns an owner that has decided on the whole log and stored a checkpoint.
    private func checkpointedOwner(of partition: SimulatedPartition) -> SimulatedDriver {
        fill(partition, messages: 100, seed: 1, kinds: 3)
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        run(driver)
        driver.wait(11_000_000_000)
        driver.step()
        return driver
    }

    @Test func `a warm standby takes over without reading the checkpoint`() throws {
        let partition = SimulatedPartition()
        let driver = checkpointedOwner(of: partition)
        let standby = SimulatedDriver(partition, node: "n2", offer: offer, weights: other, standsBy: true)
        standby.step()
        #expect(standby.restorations == 1)
        #expect(standby.owner.phase == .standingBy)
        fill(partition, messages: 100, seed: 2, kinds: 3)
        standby.step()
        #expect(try standby.owner.position <= partition.through(), "the owner has not decided on the rest")
        run(driver)
        try standby.advance(through: partition.through())
        #expect(try standby.owner.position == partition.through())
        fill(partition, messages: 10, seed: 3, kinds: 3)
        standby.step()
        standby.claim()
        run(standby)
        #expect(standby.owner.phase == .serving)
        #expect(standby.restorations == 1)
        #expect(try partition.items() == undisturbed(partition).items)
    }

    @Test func `a standby that is behind the log's beginning restores the newer checkpoint`() throws {
        for claimsAtOnce in [true, false] {
            let partition = SimulatedPartition()
            let driver = checkpointedOwner(of: partition)
            let standby = SimulatedDriver(partition, node: "n2", offer: offer, weights: other, standsBy: true)
            standby.step(messages: 0)
            for part in 2..<5 {
                fill(partition, messages: 50, seed: UInt64(part), kinds: 3)
                run(driver)
                driver.wait(11_000_000_000)
                run(driver)
            }
            #expect(partition.firstInLog > standby.owner.position + 1)
            if !claimsAtOnce {
                standby.wait(2_000_000_000)
                standby.step()
                #expect(standby.owner.phase == .standingBy)
                #expect(standby.owner.position == partition.logEnd)
            }
            standby.claim()
            run(standby)
            #expect(standby.restorations == 2)
            #expect(try partition.items() == undisturbed(partition).items)
        }
    }

    @Test func `a standby that stepped further than the chain restores the checkpoint`() throws {
        let partition = SimulatedPartition()
        let driver = checkpointedOwner(of: partition)
        run(driver)
        let standby = SimulatedDriver(partition, node: "n2", offer: offer, weights: other, standsBy: true)
        fill(partition, messages: 20, seed: 2, kinds: 3)
        standby.step()
        standby.advance(through: partition.logEnd)
        #expect(standby.owner.position == partition.logEnd)
        standby.claim()
        run(standby)
        #expect(standby.restorations == 2)
        #expect(try partition.items() == undisturbed(partition).items)
    }

    @Test func `a drain ends even if NATS does not answer the last writes`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 10, seed: 1)
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        run(driver)
        fill(partition, messages: 10, seed: 2)
        driver.step(effects: 0)
        driver.drain()
        driver.loseAnswers(areStored: false)
        #expect(driver.owner.phase == .ended(.unanswered))
        let next = SimulatedDriver(partition, node: "n2", offer: offer, weights: other)
        run(next)
        #expect(try partition.items() == undisturbed(partition).items)
    }

    @Test func `an idle owner asks for the end of the log once a second`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 1, seed: 1)
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        run(driver)
        driver.endQuestions = 0
        for _ in 0..<100 {
            driver.wait(100_000_000)
            driver.step()
        }
        #expect(driver.endQuestions == 10)
    }

    @Test func `a deleted snapshot's image goes once a checkpoint is behind the deletion`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 20, seed: 1)
        var record = ControlRecord()
        record.snapshot = SnapshotRecord(name: "kept", id: "1", streams: .all)
        partition.appendToLog(LogMessage.control(json: JSONBytes.encode(record)))
        let position = partition.logEnd
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        run(driver)
        #expect(partition.images[position]?.place != nil)
        record.snapshot = nil
        record.deleteSnapshot = SnapshotRecord(name: "kept", id: "1", streams: .all)
        partition.appendToLog(LogMessage.control(json: JSONBytes.encode(record)))
        driver.step()
        driver.step()
        #expect(driver.owner.manifest?.position ?? 0 < partition.logEnd && partition.images[position] != nil)
        for _ in 0..<3 {
            driver.wait(10_000_000_000)
            driver.step()
        }
        #expect(driver.owner.manifest?.position == partition.logEnd && partition.images[position] == nil)
    }

    @Test func `the next owner answers a request that an owner has carried out but not answered`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 5, seed: 1)
        var record = ControlRecord(reply: "asker")
        record.reset = .init(.prefix("a"))
        partition.appendToLog(LogMessage.control(json: JSONBytes.encode(record)))
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        for _ in 0..<20 where driver.owner.chain?.through ?? 0 < partition.logEnd { driver.step(effects: 1) }
        driver.loseAnswers(areStored: true)
        #expect(!driver.answers.contains { $0.reply == "asker" })
        let next = SimulatedDriver(partition, node: "n2", offer: offer, weights: other)
        run(next)
        #expect(next.answers.contains { $0.reply == "asker" })
        #expect(try partition.items() == undisturbed(partition).items)
    }

    @Test func `the answer to a question waits for the decisions that it tells of`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 5, seed: 1)
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        run(driver)
        fill(partition, messages: 5, seed: 2)
        driver.step(effects: 0)
        driver.ask(PartitionQuery(.streams(prefix: nil, after: nil, limit: 10), reply: "asker"))
        driver.step(effects: 0)
        #expect(driver.owner.position == partition.logEnd && !driver.answers.contains { $0.reply == "asker" })
        run(driver)
        let answer = try #require(driver.answers.first { $0.reply == "asker" })
        let page = try JSONBytes.decode(
            ControlReply<StreamPage<StreamStatus>>.self, from: unsafe answer.json.span.bytes
        ).outcome.get()
        #expect(page.streams.count == 10 && page.next != nil)
    }

    @Test func `a stream without timesteps is forgotten, unless one comes before the record of it`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 20, seed: 1)
        let forgetting = ServeOffer(models: offer.models, forgetAfter: 60_000_000_000)
        let driver = SimulatedDriver(partition, node: "n1", offer: forgetting, weights: other)
        run(driver)
        let count = driver.owner.streamCount
        for _ in 0..<50 { driver.wait(1_000_000_000) }
        driver.step()
        #expect(driver.owner.streamCount == count)

        let logEnd = partition.logEnd
        for _ in 0..<15 { driver.wait(1_000_000_000) }
        // The owner writes the record behind a timestep that it does not know yet.
        var builder = LogMessageBuilder()
        unsafe builder.append(id: "a1".utf8.span, header: nil, payload: Timesteps.bytes([0.5]).span.bytes)
        partition.appendToLog(builder.bytes)
        driver.step()
        run(driver)
        #expect(partition.logEnd > logEnd + 1 && driver.owner.streamCount == 1)
    }

    @Test func `a record with several changes is malformed and changes nothing`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 10, seed: 1)
        var record = ControlRecord()
        record.snapshot = SnapshotRecord(name: "kept", id: "1", streams: .all)
        partition.appendToLog(LogMessage.control(json: JSONBytes.encode(record)))
        record = ControlRecord(reply: "asker")
        record.serve = offer.record
        record.restore = SnapshotRecord(name: "kept", id: "1", streams: .all)
        partition.appendToLog(LogMessage.control(json: JSONBytes.encode(record)))
        let driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        run(driver)
        #expect(driver.owner.phase == .serving && driver.owner.position == partition.logEnd)
        #expect(!driver.answers.contains { $0.reply == "asker" })
    }

    @Test func `without the fence, a frozen owner duplicates decisions`() throws {
        let expected = try undisturbedItems
        var differs = false
        for seed in 0..<20 {
            let partition = SimulatedPartition()
            partition.isFenced = false
            differs = try differs || disturb(partition, seed: UInt64(seed)) != expected
        }
        #expect(differs)
    }

    private var undisturbedItems: [UInt8] {
        get throws {
            let partition = SimulatedPartition()
            for part in 0..<12 { fill(partition, messages: 20, seed: UInt64(part)) }
            return try undisturbed(partition).items
        }
    }

    /// Disturbs the owners of a partition while its log grows, and returns the items in the chain.
    private func disturb(_ partition: SimulatedPartition, seed: UInt64) throws -> [UInt8] {
        var random = SplitMix64(seed: seed)
        var driver = SimulatedDriver(partition, node: "n1", offer: offer, weights: other)
        var zombies: [SimulatedDriver] = []
        var standby: SimulatedDriver?
        func successor(_ node: String) -> SimulatedDriver {
            defer { standby = nil }
            standby?.claim()
            return standby ?? SimulatedDriver(partition, node: node, offer: offer, weights: other)
        }
        for part in 0..<12 {
            fill(partition, messages: 20, seed: UInt64(part))
            for _ in 0..<6 {
                driver.step(effects: Int(random.next() % 12), messages: Int(random.next() % 9))
                driver.wait(Int64(random.next() % 4) * 1_000_000_000)
                for zombie in zombies { zombie.step(effects: Int(random.next() % 5), messages: Int(random.next() % 5)) }
                if standby?.owner.hasEnded ?? false { standby = nil }
                standby?.step(effects: Int(random.next() % 12), messages: Int(random.next() % 9))
                standby?.wait(Int64(random.next() % 2) * 1_000_000_000)
                if random.next() % 2 == 0 { try standby?.advance(through: partition.through()) }
                switch random.next() % 20 {
                case 0: driver = successor("n2")
                case 1:
                    zombies.append(driver)
                    driver = successor("n3")
                case 2: driver.loseAnswers(areStored: random.next() % 2 == 0)
                case 3: driver.skipMessages(random.next() % 3)
                case 4: driver.drain()
                case 5, 6:
                    standby = SimulatedDriver(partition, node: "n6", offer: offer, weights: other, standsBy: true)
                case 7: standby?.skipMessages(random.next() % 3)
                case 8: standby?.loseAnswers(areStored: false)
                // A heartbeat can name a write that was under way and is then lost.
                case 9: standby?.advance(through: driver.owner.chain?.through ?? 0)
                default: break
                }
                if driver.owner.hasEnded { driver = successor("n4") }
            }
        }
        for _ in 0..<1000 where !driver.isIdle {
            driver.step()
            driver.wait(300_000_000)
            if driver.owner.hasEnded { driver = SimulatedDriver(partition, node: "n5", offer: offer, weights: other) }
        }
        return try partition.items()
    }
}

private func served(
    _ model: Model, name: String, prefixes: [String], mode: ServingPolicy.Mode = .stateful,
    weights: String = "first"
) -> ServedModel {
    ServedModel(
        name: name, file: name, fingerprint: "\(weights) fingerprint of \(name)", model: ServableModel(model),
        policy: ServingPolicy(prefixes: prefixes, mode: mode))
}
