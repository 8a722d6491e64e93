import Recurrent
import Testing

/// Tests each activation at a few points. The expected values were computed independently of this code. Keras' own
/// answers cover most activations too, but not the `hard_sigmoid` of Keras 2.
@Suite struct `An activation` {
    static let points: [Float] = [-4, -2.6, -1, 0, 0.5, 2.6, 4]

    static let cases: [(Activation, [Float])] = [
        (.linear, [-4, -2.6, -1, 0, 0.5, 2.6, 4]),
        (.sigmoid, [0.017_986_2, 0.069_138_4, 0.268_941_4, 0.5, 0.622_459_3, 0.930_861_6, 0.982_013_8]),
        (.tanh, [-0.999_329_3, -0.989_027_4, -0.761_594_2, 0, 0.462_117_2, 0.989_027_4, 0.999_329_3]),
        (.relu, [0, 0, 0, 0, 0.5, 2.6, 4]),
        (.relu6, [0, 0, 0, 0, 0.5, 2.6, 4, 6]),
        (.leakyReLU(slope: 0.2), [-0.8, -0.52, -0.2, 0, 0.5, 2.6, 4, 7]),
        (.hardSigmoid, [0, 0.066_666_7, 0.333_333_3, 0.5, 0.583_333_3, 0.933_333_3, 1]),
        (.hardSigmoidOfKeras2, [0, 0, 0.3, 0.5, 0.6, 1, 1]),
        (.softsign, [-0.8, -0.722_222_2, -0.5, 0, 0.333_333_3, 0.722_222_2, 0.8]),
        (.softplus, [0.018_149_9, 0.071_644_7, 0.313_261_7, 0.693_147_2, 0.974_077, 2.671_644_7, 4.018_149_9]),
        (.elu, [-0.981_684_4, -0.925_726_4, -0.632_120_6, 0, 0.5, 2.6, 4]),
        (.selu, [-1.725_898_6, -1.627_519, -1.111_330_7, 0, 0.525_350_5, 2.731_822_6, 4.202_803_9]),
        (.gelu, [-0.000_126_7, -0.012_119_1, -0.158_655_3, 0, 0.345_731_2, 2.587_880_9, 3.999_873_3]),
        (.silu, [-0.071_944_8, -0.179_759_9, -0.268_941_4, 0, 0.311_229_7, 2.420_240_1, 3.928_055_2]),
        (.exponential, [0.018_315_6, 0.074_273_6, 0.367_879_4, 1, 1.648_721_3, 13.463_738, 54.598_15]),
    ]

    @Test func `every activation has known values`() {
        #expect(Set(Self.cases.map(\.0) + [.softmax]) == Set(Activation.named))
    }

    @Test(arguments: cases)
    func `an activation computes its known values`(activation: Activation, expected: [Float]) throws {
        let model = try Model(layers: [ActivationLayer(units: 1, activation: activation)])
        let found = answers(of: model, to: (Self.points + [7]).map { [$0] }).joined()
        for (found, expected) in zip(found, expected) {
            #expect(abs(found - expected) <= 1e-6 * max(1, abs(expected)))
        }
    }

    @Test func `softmax of large values does not overflow`() throws {
        let model = try Model(layers: [ActivationLayer(units: 3, activation: .softmax)])
        let found = answers(of: model, to: [[1000, 1000, 999], [-1000, -1000, -1000]])
        #expect(abs(found[0][0] - 0.422_318_8) < 1e-6 && abs(found[0][2] - 0.155_362_4) < 1e-6)
        #expect(found[1].allSatisfy { abs($0 - 1 / 3) < 1e-6 })
    }

    @Test(arguments: [-1, 3, 1e30, -1e30, .infinity, .nan, 2.999_999_8] as [Float])
    func `a number outside the vocabulary gives the row of token 0`(token: Float) throws {
        let embeddings = try Tensor(shape: [3, 2], values: [1, 2, 3, 4, 5, 6])
        let model = try Model(layers: [Embedding(vocabulary: 3, units: 2, embeddings: embeddings)])
        #expect(model.input == .tokens(3))
        #expect(answers(of: model, to: [[0], [1], [2]]) == [[1, 2], [3, 4], [5, 6]])
        #expect(answers(of: model, to: [[token]]) == (token > 2 && token < 3 ? [[5, 6]] : [[1, 2]]))
    }
}
