import CBounds
import Foundation
import Recurrent
import Testing

@testable import Client

@Suite struct `The engine bench` {
    @Test func `every kind and size of model is measured with every vector instruction set of the machine`() throws {
        var announced: [String] = []
        let report = try EngineBench(sizes: [3, 10], samples: 2).run { announced.append($0) }

        let sets = Kernels.available.map(\.name)
        #expect(report.bounds.map(\.kernels) == sets)
        let expected = sets.flatMap { set in
            EngineLayer.allCases.flatMap { layer in [3, 10].map { "\(set) \(layer) \($0)" } }
        }
        #expect(report.figures.map { "\($0.kernels) \($0.layer) \($0.units)" } == expected)
        #expect(announced.count == expected.count)
        let rates = report.bounds.flatMap {
            [
                $0.multiplyAddsPerSecond, $0.exponentialsPerSecond, $0.readBytesPerSecond, $0.multiplyAddLatency,
                $0.logisticLatency,
            ]
        }
        #expect(rates.allSatisfy { $0 > 0 && $0.isFinite })
        for figure in report.figures {
            let times = [figure.alone, figure.together, figure.longAlone, figure.longTogether]
            let shares = [figure.ratio, figure.shareTogether, figure.shareLongAlone, figure.shareLongTogether]
            let all = times.flatMap { [$0.min, $0.median] } + shares + [figure.reading]
            #expect(all.allSatisfy { $0 > 0 && $0.isFinite })
        }
        let text = report.lines.joined(separator: "\n")
        #expect(EngineLayer.allCases.allSatisfy { text.contains("\($0.rawValue), nanoseconds per step:") })
        #expect(text.contains("149.0"))
    }

    @Test(arguments: [([], 1), ([0], 1), ([5000], 1), ([10], 0)])
    func `sizes and sample counts out of range are refused`(sizes: [Int], samples: Int) {
        #expect(throws: ClientError.self) { try EngineBench(sizes: sizes, samples: samples) }
    }

    @Test(arguments: EngineLayer.allCases, [1, 10, 33])
    func `the counted weights match the parameters of the model`(layer: EngineLayer, units: Int) throws {
        let model = EngineModel(layer: layer, units: units)
        #expect(model.weightBytes == 4 * (try model.build(.best).parameters))
    }

    @Test func `the counted operations match the operations of one step`() {
        // Each of 4 gates has 10 units with 11 inputs: 1 feature and 10 units. The dense layer adds 10 products.
        let lstm = EngineModel(layer: .lstm, units: 10)
        #expect((lstm.multiplyAdds, lstm.exponentials) == (450, 51))
        let gru = EngineModel(layer: .gru, units: 10)
        #expect((gru.multiplyAdds, gru.exponentials) == (340, 31))
        let dense = EngineModel(layer: .dense, units: 10)
        #expect((dense.multiplyAdds, dense.exponentials) == (100, 0))
        // The longest chain has two logistic functions: a gate and then the cell's tanh, or a gate and then the
        // candidate. A gate's 10 products are computed in parallel and then added in pairs, in 4 rounds of 5, 3, 2 and
        // 1 sums.
        #expect((lstm.logisticsInARow, lstm.multiplyAddsInARow) == (2, 5))
        #expect((gru.logisticsInARow, gru.multiplyAddsInARow) == (2, 5))
        #expect((dense.logisticsInARow, dense.multiplyAddsInARow) == (0, 0))
    }

    @Test func `the loops of every set compute what their names say`() throws {
        for kernels in Kernels.available {
            let found = unsafe sluice_bounds_named(kernels.name).map { unsafe $0.pointee }
            let loops = unsafe try #require(found)
            let values = (0..<1024).map { Float($0) / 100 - 5 }
            var powers = [Float](repeating: 0, count: 1024)
            _ = unsafe loops.exponential(&powers, values, 1024)
            let largest = zip(values, powers).map { abs(Double($1) / exp(Double($0)) - 1) }.max()
            #expect(try #require(largest) < 5e-6)
            let sum = unsafe loops.read((0..<1024).map { Float($0) }, 1024, 2)
            #expect(sum == 1023 * 1024)
            // The iteration x → x / 2 + 1 converges to 2 in every lane of every chain.
            let chains = unsafe loops.multiply_add(100)
            let lanes = unsafe Float(loops.lanes)
            #expect(chains == Float(2 * SLUICE_BOUNDS_CHAINS) * lanes)
            let chain = unsafe loops.multiply_add_chain(100)
            #expect(chain == 2 * lanes)
            // The iteration x → 1 / (1 + e^-x) converges to the function's fixed point.
            let fixedPoint = unsafe loops.logistic_chain(100) / lanes
            #expect(abs(fixedPoint - 0.659_046) < 1e-5)
        }
        let isNamed = unsafe sluice_bounds_named("none") != nil
        #expect(!isNamed)
    }
}
