import Recurrent

/// Dropout. In training, sets each value to zero with probability `rate`, and otherwise divides it by 1 − rate.
///
/// After N. Srivastava et al., Dropout, 2014 (<https://jmlr.org/papers/v15/srivastava14a.html>). The random numbers
/// come from ``SplitMix64``, with a seed for each group of each batch, so they do not depend on the number of threads.
/// `memory` holds y and the factors, shape (steps, units, lanes) each.
struct DropoutPass<Scalar: ReferenceScalar>: TrainingPass {
    let units: Int
    let lanes: Int
    let rate: Double
    /// The position of the layer in the model, which gives each dropout layer its own random numbers.
    let number: Int

    func memorySize(steps: Int) -> Int { 2 * steps * units * lanes }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        guard context.isTraining else { return input }
        let count = input.steps * units * lanes
        let factors = y + count
        var random = SplitMix64(seed: context.seed &+ UInt64(number) &* 0xD1B5_4A32_D192_ED03)
        let kept = Scalar(1 / (1 - rate))
        for k in 0..<count {
            factors[k] = Double(random.next() >> 11) * 0x1p-53 < rate ? 0 : kept
            y[k] = input.values[k] * factors[k]
        }
        return input.with(y)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        guard let dx else { return }
        let count = input.steps * units * lanes
        let factors = memory + count
        for k in 0..<count { dx[k] = dy[k] * factors[k] }
    }
}
