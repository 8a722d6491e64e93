import Recurrent

/// A ``Masking`` layer. y is x, or zero at a masked timestep. dx is dy, or zero at a masked timestep.
///
/// `memory` holds y, shape (steps, units, lanes), and two masks, shape (steps, lanes) each.
struct MaskingPass<Scalar: ReferenceScalar>: TrainingPass {
    let units: Int
    let value: Scalar
    let lanes: Int

    init(_ layer: Masking, lanes: Int) {
        self.lanes = lanes
        units = layer.units
        value = Scalar(layer.value)
    }

    func memorySize(steps: Int) -> Int { steps * (units + 2) * lanes }

    func forward(
        _ input: Signal<Scalar>, memory y: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        let steps = input.steps
        let masked = y + steps * units * lanes
        masked.fill(1, count: steps * lanes)
        y.copy(input.values, count: steps * units * lanes)
        for t in 0..<steps {
            let row = y + t * units * lanes
            for k in 0..<units {
                for lane in 0..<lanes where row[k * lanes + lane] != value { masked[t * lanes + lane] = 0 }
            }
            row.clear(where: masked + t * lanes, rows: units, lanes: lanes)
        }
        return input.masked(masked, skipped: masked + steps * lanes, values: y, lanes: lanes)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        guard let dx else { return }
        dx.copy(dy, count: input.steps * units * lanes)
        let masked = memory + input.steps * units * lanes
        for t in 0..<input.steps {
            (dx + t * units * lanes).clear(where: masked + t * lanes, rows: units, lanes: lanes)
        }
    }
}
