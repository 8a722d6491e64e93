import Recurrent

/// A ``LayerNormalization`` layer on each timestep.
///
///     x̂ = (x − mean(x)) / √(variance(x) + ε)
///     y = γ ⊙ x̂ + β
///     dγ = Σ dy ⊙ x̂
///     dβ = Σ dy
///     dx̂ = dy ⊙ γ
///     dx = (dx̂ − mean(dx̂) − x̂ ⊙ mean(dx̂ ⊙ x̂)) / √(variance(x) + ε)
///
/// After J. L. Ba et al., Layer Normalization, 2016 (<https://arxiv.org/abs/1607.06450>). `memory` holds y and x̂,
/// shape (steps, units, lanes) each, and the deviations, shape (steps, lanes).
struct LayerNormalizationPass<Scalar: ReferenceScalar>: TrainingPass {
    let units: Int
    let epsilon: Scalar
    let scales: Bool
    let centers: Bool
    let lanes: Int

    init(_ layer: LayerNormalization, lanes: Int) {
        self.lanes = lanes
        units = layer.units
        epsilon = Scalar(layer.epsilon)
        scales = layer.gamma != nil
        centers = layer.beta != nil
    }

    /// The offset of β, which follows γ.
    private var betaOffset: Int { scales ? units : 0 }

    func memorySize(steps: Int) -> Int { steps * (2 * units + 1) * lanes }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        let normal = y + input.steps * units * lanes
        let deviations = normal + input.steps * units * lanes
        for t in 0..<input.steps {
            for lane in 0..<lanes {
                let at = t * units * lanes + lane
                var mean: Scalar = 0
                for k in 0..<units { mean += input.values[at + k * lanes] }
                mean /= Scalar(units)
                var variance: Scalar = 0
                for k in 0..<units {
                    let difference = input.values[at + k * lanes] - mean
                    variance += difference * difference
                }
                let deviation = (variance / Scalar(units) + epsilon).squareRoot()
                deviations[t * lanes + lane] = deviation
                for k in 0..<units {
                    let value = (input.values[at + k * lanes] - mean) / deviation
                    normal[at + k * lanes] = value
                    y[at + k * lanes] = (scales ? weights[k] * value : value) + (centers ? weights[betaOffset + k] : 0)
                }
            }
        }
        return input.with(y)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        let normal = memory + input.steps * units * lanes
        let deviations = normal + input.steps * units * lanes
        for t in 0..<input.steps {
            for lane in 0..<lanes {
                let at = t * units * lanes + lane
                var (mean, product): (Scalar, Scalar) = (0, 0)
                for k in 0..<units {
                    let (d, value) = (dy[at + k * lanes], normal[at + k * lanes])
                    if scales { gradient[k] += d * value }
                    if centers { gradient[betaOffset + k] += d }
                    let scaled = scales ? d * weights[k] : d
                    mean += scaled
                    product += scaled * value
                }
                guard let dx else { continue }
                mean /= Scalar(units)
                product /= Scalar(units)
                for k in 0..<units {
                    let scaled = scales ? dy[at + k * lanes] * weights[k] : dy[at + k * lanes]
                    dx[at + k * lanes] =
                        (scaled - mean - normal[at + k * lanes] * product) / deviations[t * lanes + lane]
                }
            }
        }
    }
}

/// A layer with fixed factors and addends, which training does not change: ``Rescaling``, ``Normalization``, or
/// ``BatchNormalization`` in inference mode.
///
///     y = x ⊙ scale + offset
///     dx = dy ⊙ scale
///
/// `memory` holds y, shape (steps, units, lanes).
struct FixedScalePass<Scalar: ReferenceScalar>: TrainingPass {
    let units: Int
    /// Shape (units) each.
    let scale: Values<Scalar>
    let offset: Values<Scalar>
    let lanes: Int

    /// Creates the pass.
    ///
    /// - Parameters:
    ///   - layer: The layer.
    ///   - lanes: The number of lanes.
    ///   - constants: Receives the buffer that holds the factors and addends. The owner of the pass must keep this
    ///     buffer alive.
    init(_ layer: any FixedScale, lanes: Int, constants: inout [Buffer<Scalar>]) {
        let (scale, offset) = layer.scaleAndOffset
        let buffer = Buffer((scale + offset).map { Scalar($0) })
        constants.append(buffer)
        units = layer.units
        self.lanes = lanes
        self.scale = buffer.values
        self.offset = buffer.values + layer.units
    }

    func memorySize(steps: Int) -> Int { steps * units * lanes }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        for row in 0..<input.steps * units {
            for lane in row * lanes..<(row + 1) * lanes {
                y[lane] = input.values[lane] * scale[row % units] + offset[row % units]
            }
        }
        return input.with(y)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        guard let dx else { return }
        for row in 0..<input.steps * units {
            for lane in row * lanes..<(row + 1) * lanes { dx[lane] = dy[lane] * scale[row % units] }
        }
    }
}
