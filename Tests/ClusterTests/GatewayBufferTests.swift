import Cluster
import TestSupport
import Testing
import Wire

@Suite struct `The buffer of a gateway` {
    private static let millisecond: Int64 = 1_000_000

    /// A producer's message: the stream, and a number in place of timesteps.
    private struct Entry: Equatable {
        let id: String
        let number: UInt32
    }

    private func add(_ entry: Entry, to buffer: inout GatherBuffer, at now: Int64) throws {
        var payload: [UInt8] = []
        for shift in 0..<4 { payload.append(UInt8(truncatingIfNeeded: entry.number >> (8 * UInt32(shift)))) }
        let id = Array(entry.id.utf8)
        try buffer.add(id: id.span, header: nil, payload: unsafe payload.span.bytes, at: now)
    }

    private func entries(in bytes: [UInt8]) throws -> [Entry] {
        guard case .timesteps(let entries) = try unsafe LogMessage(bytes.span.bytes) else { return [] }
        return entries.map { entry in
            Entry(
                id: String(decoding: bytes[entry.id], as: UTF8.self),
                number: bytes[entry.payload].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
    }

    /// Takes the next message to send, which must be there.
    private func take(from buffer: inout GatherBuffer, at now: Int64) throws -> GatherBuffer.Attempt {
        let attempt = buffer.takeReady(at: now)
        return try #require(attempt)
    }

    /// The numbers of the messages that an attempt sends.
    private func numbers(of attempt: GatherBuffer.Attempt, in buffer: borrowing GatherBuffer) throws -> [UInt32] {
        try entries(in: buffer.bytes(of: attempt)).map(\.number)
    }

    @Test func `a silent partition sends at once, and a busy one gathers for a millisecond`() throws {
        var buffer = GatherBuffer(partitions: 1)
        try add(Entry(id: "a", number: 1), to: &buffer, at: 0)
        var time = buffer.timeUntilDue(at: 0)
        #expect(time == 0)
        let first = try take(from: &buffer, at: 0)
        #expect(try numbers(of: first, in: buffer) == [1])
        for number: UInt32 in 2...4 { try add(Entry(id: "a", number: number), to: &buffer, at: 0) }
        let early = buffer.takeReady(at: 0)
        #expect(early == nil)
        buffer.stored(first, at: Self.millisecond / 2)
        time = buffer.timeUntilDue(at: Self.millisecond / 2)
        #expect(time == Self.millisecond / 2)
        buffer.turn(at: Self.millisecond)
        let second = try take(from: &buffer, at: Self.millisecond)
        #expect(second.number == 2 && second.attempt == 1)
        #expect(try numbers(of: second, in: buffer) == [2, 3, 4])
        buffer.stored(second, at: Self.millisecond)
        let rest = (bytes: buffer.byteCount, underWay: buffer.underWayCount, stored: buffer.storedCount)
        #expect(rest == (0, 0, 2))
    }

    @Test func `a long message is sent before the millisecond is over`() throws {
        var buffer = GatherBuffer(partitions: 1)
        try add(Entry(id: "a", number: 1), to: &buffer, at: 0)
        buffer.stored(try take(from: &buffer, at: 0), at: 1)
        let payload = [UInt8](repeating: 0, count: GatherBuffer.gatherLength)
        let id: [UInt8] = [97]
        try unsafe buffer.add(id: id.span, header: nil, payload: payload.span.bytes, at: 2)
        #expect(try take(from: &buffer, at: 2).number == 2)
    }

    @Test func `each stream goes to its partition`() throws {
        var buffer = GatherBuffer(partitions: 8)
        for number: UInt32 in 0..<100 { try add(Entry(id: "s\(number)", number: number), to: &buffer, at: 0) }
        var count = 0
        while let attempt = buffer.takeReady(at: 0) {
            for entry in try entries(in: buffer.bytes(of: attempt)) {
                let id = Array(entry.id.utf8)
                #expect(Partitioning.partition(of: id.span, count: 8) == attempt.partition)
                count += 1
            }
        }
        #expect(count == 100)
    }

    @Test func `a message that does not fit in the log is dropped, and changes nothing`() {
        var buffer = GatherBuffer(partitions: 1)
        let payload = [UInt8](repeating: 0, count: LogMessage.maximumLength)
        var cause: DropCause?
        do throws(DropCause) {
            let id: [UInt8] = [97]
            try unsafe buffer.add(id: id.span, header: nil, payload: payload.span.bytes, at: 0)
        } catch {
            cause = error
        }
        #expect(cause == .tooLarge)
        let (isEmpty, next) = (buffer.isEmpty, buffer.takeReady(at: 0))
        #expect(isEmpty && next == nil)
    }

    @Test func `no message of the log exceeds its limits`() throws {
        var buffer = GatherBuffer(partitions: 1, payloadLimit: 1_000)
        for number: UInt32 in 0..<1_000 { try add(Entry(id: "a", number: number), to: &buffer, at: 0) }
        var sent: [UInt32] = []
        var now: Int64 = 0
        while !buffer.isEmpty {
            now += Self.millisecond
            buffer.turn(at: now)
            guard let attempt = buffer.takeReady(at: now) else { continue }
            let numbers = try numbers(of: attempt, in: buffer)
            #expect(numbers.count <= 250)
            sent += numbers
            buffer.stored(attempt, at: now)
        }
        #expect(sent == Array(0..<1_000))
    }

    @Test func `a full log and a full buffer are noticed, and end`() throws {
        var buffer = GatherBuffer(partitions: 1, byteLimit: 100)
        try add(Entry(id: "a", number: 1), to: &buffer, at: 0)
        buffer.refused(try take(from: &buffer, at: 0), isLogFull: true, at: 0)
        var state = (logs: buffer.fullLogCount, isFull: buffer.isFull, next: buffer.takeReady(at: 0)?.number)
        #expect(state.logs == 1 && !state.isFull && state.next == nil)
        for number: UInt32 in 2...10 { try add(Entry(id: "a", number: number), to: &buffer, at: 0) }
        state.isFull = buffer.isFull
        #expect(state.isFull)
        let retry = GatherBuffer.retryTime
        buffer.turn(at: retry)
        let again = try take(from: &buffer, at: retry)
        #expect(again.number == 1 && again.attempt == 2)
        buffer.stored(again, at: retry)
        state.logs = buffer.fullLogCount
        #expect(state.logs == 0)
        let rest = try take(from: &buffer, at: retry)
        #expect(try numbers(of: rest, in: buffer) == Array(2...10))
        buffer.stored(rest, at: retry)
        let end = (bytes: buffer.byteCount, isFull: buffer.isFull, retries: buffer.retryCount)
        #expect(end == (0, false, 1))
    }

    /// A JetStream that loses messages and answers, and answers late.
    private struct FaultyLogs {
        var logs: [[Entry]]
        private var known: Set<[UInt64]> = []
        /// The messages on their way to a log, which may arrive late.
        private var travelling: [(at: Int64, GatherBuffer.Attempt, [Entry])] = []
        /// The answers on their way.
        private var answers: [(at: Int64, GatherBuffer.Attempt, isStored: Bool)] = []

        init(_ partitions: Int) { logs = Array(repeating: [], count: partitions) }

        /// Returns the time at which something arrives: usually soon, sometimes late; nil if it is lost.
        private static func arrival(after now: Int64, by random: inout SplitMix64) -> Int64? {
            if Int.random(in: 0..<10, using: &random) == 0 { return nil }
            let isLate = Int.random(in: 0..<8, using: &random) == 0
            return now + (isLate ? Int64.random(in: 0..<5_000, using: &random) : 1) * 1_000_000
        }

        mutating func send(
            _ attempt: GatherBuffer.Attempt, _ entries: [Entry], at now: Int64, by random: inout SplitMix64
        ) {
            if let arrival = Self.arrival(after: now, by: &random) { travelling.append((arrival, attempt, entries)) }
        }

        mutating func deliver(at now: Int64, to buffer: inout GatherBuffer, by random: inout SplitMix64) {
            for (_, attempt, entries) in travelling.filter({ $0.at <= now }) {
                let isRefused = Int.random(in: 0..<10, using: &random) == 0
                if !isRefused, known.insert([UInt64(attempt.partition), attempt.number]).inserted {
                    logs[attempt.partition] += entries
                }
                if let arrival = Self.arrival(after: now, by: &random) {
                    answers.append((arrival, attempt, !isRefused))
                }
            }
            travelling.removeAll { $0.at <= now }
            for (_, attempt, isStored) in answers.filter({ $0.at <= now }) {
                if isStored {
                    buffer.stored(attempt, at: now)
                } else {
                    buffer.refused(attempt, isLogFull: Bool.random(using: &random), at: now)
                }
            }
            answers.removeAll { $0.at <= now }
        }
    }

    @Test(arguments: 1...40) func `lost messages and answers lose nothing and keep the order`(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var buffer = GatherBuffer(partitions: 3)
        var logs = FaultyLogs(3)
        var sent = [[Entry]](repeating: [], count: 3)
        var now: Int64 = 0
        var number: UInt32 = 0
        while number < 300 || !buffer.isEmpty {
            now += Self.millisecond
            for _ in 0..<Int.random(in: 0..<3, using: &random) where number < 300 {
                let entry = Entry(id: "s\(Int.random(in: 0..<6, using: &random))", number: number)
                number += 1
                sent[Partitioning.partition(of: Array(entry.id.utf8).span, count: 3)].append(entry)
                try add(entry, to: &buffer, at: now)
            }
            if Int.random(in: 0..<500, using: &random) == 0 { buffer.loseAnswers() }
            if Int.random(in: 0..<500, using: &random) == 0 { buffer.loseAnAnswer(at: now) }
            buffer.turn(at: now)
            while let attempt = buffer.takeReady(at: now) {
                logs.send(attempt, try entries(in: buffer.bytes(of: attempt)), at: now, by: &random)
            }
            logs.deliver(at: now, to: &buffer, by: &random)
            try #require(now < 3_600_000 * Self.millisecond)
        }
        #expect(logs.logs == sent)
        let rest = (underWay: buffer.underWayCount, full: buffer.fullLogCount)
        #expect(rest == (0, 0))
    }
}
