extension Graph {
    /// The step of a graph whose nodes need only one timestep at a time. It holds only sizes and pointers into the
    /// model's weights.
    @safe
    struct Step: BitwiseCopyable {
        /// The computation of one node.
        @safe
        struct Node: BitwiseCopyable {
            @safe
            enum Kind: BitwiseCopyable {
                case layer(UnsafePointer<LayerStep>)
                case merge(Merge, skipsMasked: Bool)
                case slice(Slice)
                case dot(Dot)
            }

            let kind: Kind
            let inputs: UnsafePointer<Int>
            let inputCount: Int
            let units: Int
            let mask: MaskCombination
        }

        let nodes: UnsafePointer<Node>
        let count: Int
        let features: Int
        let isInputMasked: Bool

        /// Steps one stream through one timestep of all nodes.
        ///
        /// - Parameters:
        ///   - x: The input, shape (features).
        ///   - state: The states of the nodes in order; the step replaces them.
        ///   - y: The output, shape (units), padded.
        ///   - scratch: Working memory, shape (``Graph/stepScratchSize(_:)``).
        ///   - isMasked: Whether the timestep is masked; receives whether the output is.
        func callAsFunction(
            x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
            scratch: UnsafeMutablePointer<Float>, isMasked: inout Bool
        ) {
            // First the records of the values, then their masks, their floats, and the layers' working memory.
            let raw = UnsafeMutableRawPointer(scratch)
            let values = unsafe raw.bindMemory(to: GraphValue.self, capacity: count + 1)
            let masks = unsafe (raw + Self.recordsSize(count)).bindMemory(to: Bool.self, capacity: count + 1)
            var floats = unsafe scratch + (Self.recordsSize(count) + Self.masksSize(count)) / MemoryLayout<Float>.size
            var state = unsafe state
            unsafe masks[0] = isMasked && isInputMasked
            unsafe values[0] = GraphValue(
                values: UnsafeMutablePointer(mutating: x), isMasked: masks, count: 1, width: features)
            let layerScratch = unsafe floats + totalWidth
            for index in 0..<count {
                let node = unsafe nodes + index
                let value = unsafe GraphValue(
                    values: floats, isMasked: masks + index + 1, count: 1, width: node.pointee.units)
                let inputs = unsafe GraphInputs(
                    all: values, places: node.pointee.inputs, count: node.pointee.inputCount)
                unsafe node.pointee.mask.run(inputs, into: value)
                switch unsafe node.pointee.kind {
                case .layer(let step):
                    unsafe value.isMasked[0] = inputs[0].isMasked(0)
                    unsafe run(step, inputs[0].values, state: state, into: value, scratch: layerScratch)
                    unsafe state += step.pointee.stateSize
                case .merge(let merge, let skipsMasked): merge.run(inputs, skipsMasked: skipsMasked, into: value)
                case .slice(let slice): slice.run(inputs[0], into: value)
                case .dot(let dot): dot.run(inputs[0], inputs[1], into: value)
                }
                if unsafe node.pointee.mask == .discarded { unsafe value.isMasked[0] = false }
                unsafe values[index + 1] = value
                unsafe floats += Kernels.padded(node.pointee.units)
            }
            unsafe y.update(from: values[count].values, count: values[count].width)
            unsafe isMasked = masks[count]
        }

        private func run(
            _ step: UnsafePointer<LayerStep>, _ x: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
            into y: GraphValue, scratch: UnsafeMutablePointer<Float>
        ) {
            // The caller checks the states of all nodes at once.
            var isFinite = true
            let output = unsafe step.pointee.output(
                for: x, state: state, y: y.values, scratch: scratch, isMasked: &y.isMasked[0], isFinite: &isFinite)
            if unsafe output != UnsafePointer(y.values) { unsafe y.values.update(from: output, count: y.width) }
        }

        /// The number of floats of all values.
        private let totalWidth: Int

        init(
            _ nodes: UnsafePointer<Node>, count: Int, features: Int, isInputMasked: Bool, totalWidth: Int
        ) {
            unsafe self.nodes = nodes
            self.count = count
            self.features = features
            self.isInputMasked = isInputMasked
            self.totalWidth = totalWidth
        }

        /// The number of bytes of the records of the values, in whole cache lines.
        static func recordsSize(_ nodes: Int) -> Int {
            ((nodes + 1) * MemoryLayout<GraphValue>.stride + 63) / 64 * 64
        }

        /// The number of bytes of the masks of the values, in whole cache lines.
        static func masksSize(_ nodes: Int) -> Int { (nodes + 1 + 63) / 64 * 64 }
    }

    /// Returns the step of a graph whose nodes need only one timestep at a time.
    func makeStep(_ passes: [LayerPass?], in weights: inout WeightBuffer) -> LayerStep {
        var (nodes, steps): ([Step.Node], [LayerStep]) = ([], [])
        for (index, node) in self.nodes.enumerated() {
            let kind: Step.Node.Kind =
                switch (node.operation, passes[index]?.direction) {
                case (_, .forward(let step)?): unsafe .layer(weights.place(step))
                case (.merge(let merge, let skipsMasked), _): .merge(merge, skipsMasked: skipsMasked)
                case (.slice(let slice), _): .slice(slice)
                case (.dot(let dot), _): .dot(dot)
                default: preconditionFailure("node \(index) needs more than one timestep")
                }
            if case .forward(let step)? = passes[index]?.direction { steps.append(step) }
            nodes.append(
                unsafe Step.Node(
                    kind: kind, inputs: weights.place(node.inputs), inputCount: node.inputs.count,
                    units: widths[index + 1], mask: node.mask))
        }
        let totalWidth = widths.dropFirst().reduce(0) { $0 + Kernels.padded($1) } + Kernels.padding
        let bytes = Step.recordsSize(nodes.count) + Step.masksSize(nodes.count)
        let scratchSize =
            bytes / MemoryLayout<Float>.size + totalWidth + Kernels.padded(steps.map(\.scratchSize).max() ?? 0)
        let step = unsafe Step(
            weights.place(nodes), count: nodes.count, features: features, isInputMasked: isInputMasked,
            totalWidth: totalWidth)
        return unsafe LayerStep(
            .graph(weights.place(step)), of: self, stateSize: steps.reduce(0) { $0 + $1.stateSize },
            scratchSize: scratchSize)
    }
}
