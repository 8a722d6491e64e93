import Recurrent
import Testing

/// Tests a pool of states. All comparisons are bit for bit.
@Suite struct `A pool of states` {
    private let model: Model

    init() throws {
        // The model has two LSTMs and a Dense, whose weights are all different.
        var seed: Float = 0
        func tensor(_ shape: [Int]) throws -> Tensor {
            let values = (0..<shape.reduce(1, *)).map { _ in
                seed += 1
                return (seed * 0.618_034).truncatingRemainder(dividingBy: 1) - 0.5
            }
            return try Tensor(shape: shape, values: values)
        }
        model = try Model(layers: [
            LSTM(units: 3, kernel: tensor([2, 12]), recurrentKernel: tensor([3, 12]), bias: tensor([12])),
            LSTM(units: 2, kernel: tensor([3, 8]), recurrentKernel: tensor([2, 8]), bias: nil),
            Dense(units: 2, activation: .sigmoid, kernel: tensor([2, 2]), bias: tensor([2])),
        ])
    }

    private func sequence(_ start: Float) -> [[Float]] {
        (0..<20).map { [start + Float($0) * 0.1, start - Float($0) * 0.2] }
    }

    private func values(_ pool: borrowing StatePool, _ row: Int) -> [UInt32] {
        pool.values(of: row).array.map(\.bitPattern)
    }

    @Test func `the sizes of a model and of its rows follow from its layers`() {
        #expect(model.features == 2)
        #expect(model.outputs == 2)
        #expect(model.stateSize == 2 * 3 + 2 * 2)
        #expect(model.parameters == (2 * 12 + 3 * 12 + 12) + (3 * 8 + 2 * 8) + (2 * 2 + 2))
        #expect(StatePool(model: model).valuesPerRow == model.stateSize + model.outputs)
    }

    @Test func `interleaved streams give the same outputs as each stream alone`() {
        let count = 2100  // more than two pages of rows
        let sequences = (0..<3).map { sequence(Float($0)) }
        let alone = sequences.map { answers(of: model, to: $0) }
        let pool = StatePool(model: model)
        let rows = (0..<count).map { _ in pool.insert() }
        #expect(Set(rows).count == count)
        var differing = 0
        for step in 0..<20 {
            for (stream, row) in rows.enumerated() {
                let kind = stream % 3
                let timestep = sequences[kind][step]
                pool.step(row, inputs: timestep.span, index: 0)
                if pool.outputs(of: row).array != alone[kind][step] { differing += 1 }
            }
        }
        #expect(differing == 0)
    }

    @Test func `a timestep within an array gives the same bits as a single timestep`() {
        let timesteps = sequence(0.5)
        let block = timesteps.flatMap { $0 }
        let pool = StatePool(model: model)
        let (single, blockwise) = (pool.insert(), pool.insert())
        for (index, timestep) in timesteps.enumerated() {
            pool.step(single, inputs: timestep.span, index: 0)
            pool.step(blockwise, inputs: block.span, index: index)
        }
        #expect(values(pool, single) == values(pool, blockwise))
    }

    @Test func `a reset makes the state zero and keeps the last outputs`() {
        let pool = StatePool(model: model)
        let row = pool.insert()
        let first = sequence(1).map { timestep in
            pool.step(row, inputs: timestep.span, index: 0)
            return pool.outputs(of: row).array
        }
        pool.reset(row)
        #expect(pool.outputs(of: row).array == first.last)
        #expect(pool.values(of: row).array.prefix(model.stateSize).allSatisfy { $0 == 0 })
        let second = sequence(1).map { timestep in
            pool.step(row, inputs: timestep.span, index: 0)
            return pool.outputs(of: row).array
        }
        #expect(first == second)
    }

    @Test func `a row that is copied to another pool continues with the same bits`() {
        let before = StatePool(model: model)
        let row = before.insert()
        for timestep in sequence(0.3).prefix(10) {
            before.step(row, inputs: timestep.span, index: 0)
        }
        let after = StatePool(model: model)
        _ = after.insert()
        let restored = after.insert()
        let kept = before.values(of: row).array
        after.replace(restored, with: kept.span)
        #expect(values(after, restored) == values(before, row))
        for timestep in sequence(0.3).dropFirst(10) {
            before.step(row, inputs: timestep.span, index: 0)
            after.step(restored, inputs: timestep.span, index: 0)
        }
        #expect(values(after, restored) == values(before, row))
    }

    @Test func `a removed row is reused with zeros, and other rows keep their values`() {
        let pool = StatePool(model: model)
        let (removed, other) = (pool.insert(), pool.insert())
        for row in [removed, other] {
            for timestep in sequence(0.7) {
                pool.step(row, inputs: timestep.span, index: 0)
            }
        }
        let kept = values(pool, other)
        pool.remove(removed)
        #expect(values(pool, other) == kept)
        let again = pool.insert()
        #expect(again == removed)
        #expect(values(pool, again).allSatisfy { $0 == 0 })
    }
}
