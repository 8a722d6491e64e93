import Recurrent

/// ``GlobalAveragePooling``: the mean over all timesteps that are not skipped.
///
///     y = Σ x / n
///     dx = dy / n
///
/// The output has one timestep. `memory` holds y, shape (units, lanes), and n, shape (lanes).
struct AveragePoolingPass<Scalar: ReferenceScalar>: TrainingPass {
    let units: Int
    let lanes: Int

    func memorySize(steps: Int) -> Int { (units + 1) * lanes }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        let counts = y + units * lanes
        y.fill(0, count: (units + 1) * lanes)
        for t in 0..<input.steps {
            for lane in 0..<lanes where isStepped(input, t, lane) {
                counts[lane] += 1
                for k in 0..<units { y[k * lanes + lane] += input.values[(t * units + k) * lanes + lane] }
            }
        }
        for k in 0..<units {
            for lane in 0..<lanes { y[k * lanes + lane] /= counts[lane] }
        }
        return Signal(values: y, steps: 1)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        guard let dx else { return }
        let counts = memory + units * lanes
        for t in 0..<input.steps {
            for k in 0..<units {
                for lane in 0..<lanes {
                    dx[(t * units + k) * lanes + lane] =
                        isStepped(input, t, lane) ? dy[k * lanes + lane] / counts[lane] : 0
                }
            }
        }
    }

    /// Returns whether the mean includes a timestep.
    private func isStepped(_ input: Signal<Scalar>, _ t: Int, _ lane: Int) -> Bool {
        (input.skipped?[t * lanes + lane] ?? 0) == 0
    }
}

/// ``GlobalMaxPooling``: the maximum over the timesteps. If several timesteps have the maximum, they share its gradient
/// equally, as in TensorFlow and JAX.
///
///     y = max x
///     dx = dy / n where x = y, with n such timesteps
///
/// The output has one timestep. `memory` holds y and n, shape (units, lanes) each.
struct MaximumPoolingPass<Scalar: ReferenceScalar>: TrainingPass {
    let units: Int
    let lanes: Int

    func memorySize(steps: Int) -> Int { 2 * units * lanes }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        let counts = y + units * lanes
        y.fill(-.infinity, count: units * lanes)
        counts.fill(0, count: units * lanes)
        for t in 0..<input.steps {
            for k in 0..<units {
                for lane in 0..<lanes where (input.ended?[t * lanes + lane] ?? 0) == 0 {
                    let (x, at) = (input.values[(t * units + k) * lanes + lane], k * lanes + lane)
                    counts[at] = x > y[at] ? 1 : x == y[at] ? counts[at] + 1 : counts[at]
                    y[at] = max(x, y[at])
                }
            }
        }
        return Signal(values: y, steps: 1)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        guard let dx else { return }
        let counts = y + units * lanes
        for t in 0..<input.steps {
            for k in 0..<units {
                for lane in 0..<lanes {
                    let (from, at) = ((t * units + k) * lanes + lane, k * lanes + lane)
                    let hasEnded = (input.ended?[t * lanes + lane] ?? 0) != 0
                    dx[from] = !hasEnded && input.values[from] == y[at] ? dy[at] / counts[at] : 0
                }
            }
        }
    }
}
