extension Graph {
    /// The pass of a graph over a whole sequence. Each node runs over all timesteps before the next one.
    @safe
    struct Pass: SequencePass {
        private let graph: Graph
        /// Each node's pass, if it is a layer.
        private let passes: [LayerPass?]
        /// Each node's inputs.
        private let inputs: UnsafePointer<UnsafePointer<Int>>
        private let kernels: Kernels
        private let stateSize: Int
        private let layerScratch: Int

        init(_ graph: Graph, _ passes: [LayerPass?], in weights: inout WeightBuffer) {
            self.graph = graph
            self.passes = passes
            var inputs = unsafe [UnsafePointer<Int>]()
            for node in graph.nodes { unsafe inputs.append(weights.place(node.inputs)) }
            unsafe self.inputs = weights.place(inputs)
            kernels = weights.kernels
            stateSize = Kernels.padded(passes.compactMap { $0?.stateSize }.max() ?? 0) + Kernels.padding
            layerScratch = Kernels.padded(passes.compactMap { $0?.scratchSize }.max() ?? 0)
        }

        /// The sizes of the buffers for a sequence of one length.
        private struct Sizes {
            /// The number of floats of all values.
            var values = 0
            /// The number of timesteps of all values.
            var timesteps: Int
            /// The number of floats of the largest value.
            var widest = 0
            /// The number of floats of working memory of the nodes that run over the whole sequence at once.
            var scratch = 0
        }

        /// Calls `body` with the number of timesteps of each value, and the sizes of the buffers.
        private func withCounts<Result>(
            _ count: Int, _ body: (UnsafeMutableBufferPointer<Int>, Sizes) -> Result
        ) -> Result {
            unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: graph.nodes.count + 1) { counts in
                unsafe counts[0] = graph.isInputVector ? 1 : count
                var sizes = Sizes(timesteps: count)
                for (index, node) in graph.nodes.enumerated() {
                    guard let timesteps = node.timesteps(of: node.inputs.map { unsafe counts[$0] }) else {
                        preconditionFailure("node \(index) cannot take its inputs")
                    }
                    unsafe counts[index + 1] = timesteps
                    let room = unsafe room(of: node, timesteps, input: counts[node.inputs[0]])
                    let floats = Self.padded(room * graph.widths[index + 1])
                    sizes.values += floats
                    sizes.timesteps += room
                    sizes.widest = max(sizes.widest, floats)
                    if case .attention = node.operation {
                        let size = unsafe Attention.scratchSize(
                            for: counts[node.inputs[1]], width: graph.widths[node.inputs[0]])
                        sizes.scratch = max(sizes.scratch, size)
                    }
                    if case .whole(let pass)? = passes[index]?.direction {
                        sizes.scratch = unsafe max(sizes.scratch, pass.scratchSize(for: counts[node.inputs[0]]))
                    }
                }
                return unsafe body(counts, sizes)
            }
        }

        /// Returns the number of timesteps for which a node's output needs room. A layer writes its outputs at all
        /// timesteps, even if only the last one counts.
        private func room(of node: Node, _ timesteps: Int, input: Int) -> Int {
            node.operation.layer == nil ? timesteps : max(timesteps, input)
        }

        private static func padded(_ floats: Int) -> Int { Kernels.padded(floats) + Kernels.padding }

        func scratchSize(for count: Int) -> Int {
            unsafe withCounts(count) { _, sizes in
                // The values, the other output of a Bidirectional, a state, the layers' working memory, and the masks.
                sizes.values + sizes.widest + stateSize + layerScratch + Kernels.padded(sizes.scratch)
                    + Kernels.padded(sizes.timesteps)
            }
        }

        func run(
            _ x: UnsafePointer<Float>, count: Int, isMasked: UnsafeMutablePointer<Bool>,
            into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
        ) {
            unsafe withCounts(count) { counts, sizes in
                unsafe withUnsafeTemporaryAllocation(of: GraphValue.self, capacity: graph.nodes.count + 1) { values in
                    let other = unsafe scratch + sizes.values
                    let memory = unsafe SequenceMemory(
                        other: other, state: other + sizes.widest, scratch: other + sizes.widest + stateSize)
                    let masks = unsafe UnsafeMutableRawPointer(
                        memory.scratch + layerScratch + Kernels.padded(sizes.scratch)
                    ).bindMemory(to: Bool.self, capacity: sizes.timesteps)
                    let last = unsafe graph.isInputVector ? x + (count - 1) * graph.features : x
                    unsafe values[0] = GraphValue(
                        values: UnsafeMutablePointer(mutating: last), isMasked: isMasked, count: counts[0],
                        width: graph.features)
                    if !graph.isInputMasked { unsafe isMasked.update(repeating: false, count: count) }
                    var (floats, mask) = unsafe (scratch, masks)
                    for (index, node) in graph.nodes.enumerated() {
                        let width = graph.widths[index + 1]
                        let room = unsafe room(of: node, counts[index + 1], input: counts[node.inputs[0]])
                        var value = unsafe GraphValue(
                            values: floats, isMasked: mask, count: counts[index + 1], width: width)
                        guard let all = unsafe UnsafePointer(values.baseAddress) else { return }
                        let inputs = unsafe GraphInputs(all: all, places: self.inputs[index], count: node.inputs.count)
                        run(index, inputs, into: &value, memory)
                        unsafe values[index + 1] = value
                        unsafe floats += Self.padded(room * width)
                        unsafe mask += room
                    }
                    let output = unsafe values[graph.nodes.count]
                    unsafe y.update(from: output.values, count: output.count * output.width)
                    unsafe isMasked.update(from: output.isMasked, count: output.count)
                }
            }
        }

        /// Runs one node over the sequence.
        private func run(_ index: Int, _ inputs: GraphInputs, into y: inout GraphValue, _ memory: SequenceMemory) {
            let node = graph.nodes[index]
            node.mask.run(inputs, into: y)
            switch node.operation {
            case .layer, .shared:
                if let pass = passes[index] { run(pass, inputs[0], node, into: &y, memory) }
            case .merge(let merge, let skipsMasked): merge.run(inputs, skipsMasked: skipsMasked, into: y)
            case .slice(let slice): slice.run(inputs[0], into: y)
            case .attention(let attention):
                unsafe attention.run(
                    inputs, masks: (graph.isMasked(node.inputs[0]), graph.isMasked(node.inputs[1])), into: y,
                    scratch: memory.scratch + layerScratch, kernels: kernels)
            case .dot(let dot): dot.run(inputs[0], inputs[1], into: y)
            }
        }

        private func run(
            _ pass: LayerPass, _ x: GraphValue, _ node: Node, into y: inout GraphValue, _ memory: SequenceMemory
        ) {
            unsafe y.isMasked.update(from: x.isMasked, count: x.count)
            let sequence = unsafe SequenceSpan(
                x: UnsafePointer(x.values), width: x.width, count: x.count, isMasked: y.isMasked)
            let count: Int
            switch pass.direction {
            case .forward(let step): count = unsafe sequence.run(step, into: y.values, memory)
            case .backward(let step): count = unsafe sequence.run(step, isBackward: true, into: y.values, memory)
            case .bidirectional(let pass): count = unsafe sequence.run(pass, into: y.values, memory)
            case .whole(let pass):
                unsafe pass.run(
                    x.values, count: x.count, isMasked: y.isMasked, into: y.values,
                    scratch: memory.scratch + layerScratch)
                count = y.count
            }
            if count > y.count {
                unsafe y.values.update(from: y.values + (count - 1) * y.width, count: y.width)
            }
            if node.mask == .discarded { unsafe y.isMasked.update(repeating: false, count: y.count) }
        }
    }
}
