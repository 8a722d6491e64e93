import TestSupport
import Testing

@testable import Wire

@Suite struct `Decision batches as frames` {
    private func record(_ sequence: UInt64, outputs: Int = 1) -> Decision {
        Decision(
            sequence: sequence, step: sequence, time: 7, flags: [], label: 1,
            probabilities: (0..<outputs).map { Float($0) / 10 })
    }

    private func bytes(_ decisions: [Decision]) -> [UInt8] {
        var records = DecisionRecords()
        for decision in decisions {
            records.append(
                sequence: decision.sequence, step: decision.step, time: decision.time, flags: decision.flags,
                label: decision.label, probabilities: decision.probabilities.span)
        }
        return Array(records.bytes.indices.map { records.bytes[$0] })
    }

    private func read(_ batch: DecisionBatch) throws -> [(id: String, decision: Decision)] {
        unsafe try DecisionBatch.read(ids: batch.idColumn, records: batch.recordColumn.bytes)
            .map { (String(decoding: $0.id, as: UTF8.self), $0.decision) }
    }

    /// Returns whether records fit. Their ids are not filled in.
    private func append(_ records: [UInt8], to batch: inout DecisionBatch) -> Bool {
        if let ids = batch.append(records.span, longestID: 1) {
            _ = consume ids
            return true
        }
        return false
    }

    @Test func `ids of growing and shrinking length keep their records`() throws {
        var batch = DecisionBatch()
        for lengths in [[3, 1, 40, 7], [2, 5], [255, 1]] {
            let ids = lengths.map { String(repeating: "i", count: $0) }
            for (number, id) in ids.enumerated() {
                let records = bytes([record(UInt64(number + 1)), record(UInt64(number + 2))])
                #expect(batch.append(Array(id.utf8).span, records.span) == records.count)
            }
            batch.finish()
            let found = try read(batch)
            #expect(found.map(\.id) == ids.flatMap { [$0, $0] })
            #expect(found.map(\.decision.sequence) == ids.indices.flatMap { [UInt64($0 + 1), UInt64($0 + 2)] })
            #expect(batch.idColumn.count == found.count * (lengths.max() ?? 0))
            batch.removeAll()
        }
    }

    @Test func `records of several streams are appended at once or not at all`() throws {
        var batch = DecisionBatch()
        let records = bytes((1...3).map { record($0) })
        if var ids = batch.append(records.span, longestID: 2) {
            ids.append(Array("a".utf8).span, count: 2)
            ids.append(Array("bc".utf8).span, count: 1)
        }
        let wider = bytes([record(1, outputs: 2)])
        #expect(!append(wider, to: &batch), "records of another size were appended")
        let tooMany = bytes(Array(repeating: record(1), count: DecisionBatch.maximumCount - 2))
        #expect(!append(tooMany, to: &batch), "more records than a message may have were appended")
        batch.finish()
        #expect(try read(batch).map(\.id) == ["a", "a", "bc"])
        #expect(try read(batch).map(\.decision.sequence) == [1, 2, 3])
    }

    @Test func `a full message takes as many records of a stream as fit`() throws {
        var batch = DecisionBatch()
        let id = Array("s".utf8)
        let most = bytes(Array(repeating: record(1), count: DecisionBatch.maximumCount - 1))
        #expect(batch.append(id.span, most.span) == most.count)
        let two = bytes([record(2), record(3)])
        #expect(batch.append(id.span, two.span) == two.count / 2)
        #expect(batch.append(id.span, two.span) == 0)
        #expect(batch.count == DecisionBatch.maximumCount)
        #expect(try read(batch).last?.decision.sequence == 2)
    }

    /// Any bytes either are a message of whole records with one id each, or are refused.
    @Test func `random frames are read completely or refused`() {
        var random = SplitMix64(seed: 23)
        var (readCount, refusedCount) = (0, 0)
        let two = bytes([record(1), record(2)])
        for _ in 0..<20_000 {
            var records = two
            for _ in 0..<(random.next() % 3) {
                records[Int(random.next() % UInt64(records.count))] = UInt8(random.next() % 4)
            }
            records.removeLast(Int(random.next() % 3) * Int(random.next() % 20))
            let ids = [UInt8](repeating: 0x61, count: Int(random.next() % 600))
            do {
                let found = unsafe try DecisionBatch.read(ids: ids.span, records: records.span.bytes)
                #expect(!found.isEmpty && ids.count.isMultiple(of: found.count))
                #expect(found.allSatisfy { (1...StreamID.maximumLength).contains($0.id.count) })
                readCount += 1
            } catch {
                refusedCount += 1
            }
        }
        #expect(readCount > 100 && refusedCount > 100)
    }
}
