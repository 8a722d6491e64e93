import Recurrent

extension TrainingConfiguration {
    /// Checks that the options are valid for a model.
    ///
    /// - Throws: ``TrainingError`` with the code `option`. The error names the option and its valid range.
    func check(_ model: Model) throws(TrainingError) {
        try optimizer.check()
        try require(jobs >= 1, "the number of jobs is \(jobs), expected at least 1")
        try require(
            (0..<1).contains(loss.labelSmoothing), "label_smoothing is \(loss.labelSmoothing), expected 0 to below 1")
        for (number, weight) in classWeights.sorted(by: { $0.key < $1.key }) {
            try require(
                weight >= 0 && weight.isFinite, "the weight of class \(number) is \(weight), expected at least 0")
        }
        for dropout in dropouts {
            try require((0..<1).contains(dropout.rate), "a dropout has the rate \(dropout.rate), expected 0 to below 1")
            try require(
                model.layers.indices.contains(dropout.before) && !(model.layers[dropout.before] is Embedding),
                "a dropout is before layer \(dropout.before), expected a layer of the model that takes values, not tokens"
            )
        }
        let givesOne = model.layers.contains {
            $0.perCall == .pooling || ($0 as? Bidirectional)?.returnsSequences == false
        }
        try require(
            outputs == .last || !givesOne, "the model gives one output for a sequence, not one for every timestep")
    }
}

extension Optimizer {
    fileprivate func check() throws(TrainingError) {
        switch learningRate {
        case .constant(let rate):
            try require(rate >= 0 && rate.isFinite, "the learning rate is \(rate), expected at least 0")
        case .exponentialDecay(let initial, let rate, let steps):
            try require(
                initial >= 0 && initial.isFinite && rate > 0 && rate.isFinite && steps >= 1,
                "the learning rate decays from \(initial) by \(rate) every \(steps) updates; expected a rate above 0 and "
                    + "at least 1 update")
        }
        switch clipping {
        case .none: break
        case .norm(let limit), .globalNorm(let limit), .value(let limit):
            try require(limit > 0, "the limit of gradients is \(limit), expected above 0")
        }
        switch method {
        case .adam(let beta1, let beta2, let epsilon):
            try require(
                (0..<1).contains(beta1) && (0..<1).contains(beta2) && epsilon > 0,
                "Adam has beta_1 \(beta1), beta_2 \(beta2) and epsilon \(epsilon); expected 0 to below 1, and above 0")
        case .sgd(let momentum, _):
            try require((0...1).contains(momentum), "the momentum is \(momentum), expected 0 to 1")
        }
    }
}

private func require(_ isValid: Bool, _ message: @autoclosure () -> String) throws(TrainingError) {
    guard isValid else { throw TrainingError(.option, message()) }
}
