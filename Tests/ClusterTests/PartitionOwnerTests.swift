import Cluster
import Recurrent
import Streams
import TestSupport
import Testing
import Wire

@Suite struct `The ownership of a partition` {
    private let offer: ServeOffer

    init() throws {
        offer = ServeOffer(models: [
            served(try livelyModel(), name: "lstm", prefixes: ["a"]),
            try served(
                twoWayModel(), name: "both", prefixes: ["b"], mode: try #require(ServingPolicy.Mode("window:4:1"))),
        ])
    }

    /// Returns a log: the record that says what is served, then timesteps with resets and removals in between.
    private func fill(_ partition: SimulatedPartition, messages: Int, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        if partition.logEnd == 0 {
            var record = ControlRecord()
            record.serve = offer.record
            partition.appendToLog(LogMessage.control(json: JSONBytes.encode(record)))
        }
        for _ in 0..<messages {
            if random.next() % 20 == 0 {
                var record = ControlRecord(reply: "inbox")
                let stream = ControlRecord.Selection(.stream("a\(random.next() % 8)"))
                if random.next() % 3 == 0 { record.remove = stream } else { record.reset = stream }
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

    /// Returns the items of an owner that nothing disturbs.
    private func undisturbed(_ partition: SimulatedPartition) throws -> (items: [UInt8], image: PartitionImage) {
        let table = PartitionTable(partition: 0, offer: offer)
        var items: [UInt8] = []
        for message in partition.log {
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
        let driver = SimulatedDriver(partition, node: "n1", offer: offer)
        run(driver)
        #expect(driver.owner.phase == .serving)
        #expect(try partition.items() == undisturbed(partition).items)
        #expect(!driver.answers.isEmpty)
    }

    @Test func `owners that die, freeze, drain or lose answers leave neither gap nor duplicate`() throws {
        let expected = try undisturbedItems
        for seed in 0..<60 {
            #expect(try disturb(SimulatedPartition(), seed: UInt64(seed)) == expected, "seed \(seed)")
        }
    }

    @Test func `a drain ends even if NATS does not answer the last writes`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 10, seed: 1)
        let driver = SimulatedDriver(partition, node: "n1", offer: offer)
        run(driver)
        fill(partition, messages: 10, seed: 2)
        driver.step(effects: 0)
        driver.drain()
        driver.loseAnswers(areStored: false)
        #expect(driver.owner.phase == .ended(.unanswered))
        let next = SimulatedDriver(partition, node: "n2", offer: offer)
        run(next)
        #expect(try partition.items() == undisturbed(partition).items)
    }

    @Test func `an idle owner asks for the end of the log once a second`() throws {
        let partition = SimulatedPartition()
        fill(partition, messages: 1, seed: 1)
        let driver = SimulatedDriver(partition, node: "n1", offer: offer)
        run(driver)
        driver.endQuestions = 0
        for _ in 0..<100 {
            driver.wait(100_000_000)
            driver.step()
        }
        #expect(driver.endQuestions == 10)
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
        var driver = SimulatedDriver(partition, node: "n1", offer: offer)
        var zombies: [SimulatedDriver] = []
        for part in 0..<12 {
            fill(partition, messages: 20, seed: UInt64(part))
            for _ in 0..<6 {
                driver.step(effects: Int(random.next() % 12), messages: Int(random.next() % 9))
                driver.wait(Int64(random.next() % 4) * 1_000_000_000)
                for zombie in zombies { zombie.step(effects: Int(random.next() % 5), messages: Int(random.next() % 5)) }
                switch random.next() % 16 {
                case 0: driver = SimulatedDriver(partition, node: "n2", offer: offer)
                case 1:
                    zombies.append(driver)
                    driver = SimulatedDriver(partition, node: "n3", offer: offer)
                case 2: driver.loseAnswers(areStored: random.next() % 2 == 0)
                case 3: driver.skipMessages(random.next() % 3)
                case 4: driver.drain()
                default: break
                }
                if driver.owner.hasEnded { driver = SimulatedDriver(partition, node: "n4", offer: offer) }
            }
        }
        for _ in 0..<1000 where !driver.isIdle {
            driver.step()
            driver.wait(300_000_000)
            if driver.owner.hasEnded { driver = SimulatedDriver(partition, node: "n5", offer: offer) }
        }
        return try partition.items()
    }
}

private func served(
    _ model: Model, name: String, prefixes: [String], mode: ServingPolicy.Mode = .stateful
) -> ServedModel {
    ServedModel(
        name: name, file: name, fingerprint: "fingerprint of \(name)", model: ServableModel(model),
        policy: ServingPolicy(prefixes: prefixes, mode: mode))
}
