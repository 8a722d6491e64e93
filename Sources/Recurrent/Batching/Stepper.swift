/// One thread's working memory to step streams of one model: one stream alone, or many at once, a vector's lane each.
///
/// What many streams need stands in tiles, each value of all lanes side by side, so that one vector instruction does one
/// thing for all of them and a weight is read once for all:
///
///     lane             0    1    2   …
///     states:        | h₀   h₀   h₀   … |  ⎫
///                    | h₁   h₁   h₁   … |  ⎬ a row of the pool stands upright in each lane
///                    | …                |  ⎭
///                    | last outputs     |
///     inputs:        | x₀   x₀   x₀   … |
///
/// The operations on each value are those of a stream alone, in the same order, so the answers are the same bit for bit.
@safe
final class Stepper {
    private let model: Model
    private let kernels: Kernels
    /// Streams that are stepped at once.
    let lanes: Int
    private let fewestSideBySide: Int
    private let features: Int
    private let outputs: Int

    private let scratch: UnsafeMutablePointer<Float>
    private let states: UnsafeMutablePointer<Float>
    private let inputs: UnsafeMutablePointer<Float>
    private let memory: LaneMemory
    private let tail: StatelessTail?
    /// Whether a stream's own timesteps fill the lanes: none needs those before.
    private let areTimestepsIndependent: Bool

    /// Where each lane's row, next timestep and next answer stand; those of lanes that are not taken in `nowhere`.
    private let rows: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let timesteps: UnsafeMutablePointer<UnsafePointer<Float>?>
    private let answers: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let nowhere: UnsafeMutablePointer<Float>
    /// Which job has each lane.
    private let jobs: UnsafeMutablePointer<Int>
    /// The lanes that are taken, lane 0 in the lowest bit.
    private var taken: UInt32 = 0

    init(_ model: Model) {
        self.model = model
        kernels = model.kernels
        lanes = kernels.lanes
        fewestSideBySide = model.fewestSideBySide
        features = model.features
        outputs = model.outputs
        let lanes = lanes
        let rowSize = model.stateSize + model.outputs
        unsafe scratch = .zeros(model.scratchSize)
        unsafe states = .zeros(rowSize * lanes)
        unsafe inputs = .zeros(model.features * lanes)
        memory = LaneMemory(model)
        tail = StatelessTail(model, memory)
        areTimestepsIndependent = tail != nil && model.stateSize == 0
        unsafe nowhere = .zeros(rowSize + model.features)
        unsafe rows = .allocate(capacity: lanes)
        unsafe rows.initialize(repeating: nowhere, count: lanes)
        unsafe timesteps = .allocate(capacity: lanes)
        unsafe timesteps.initialize(repeating: UnsafePointer(nowhere), count: lanes)
        unsafe answers = .allocate(capacity: lanes)
        unsafe answers.initialize(repeating: nowhere, count: lanes)
        unsafe jobs = .allocate(capacity: lanes)
        unsafe jobs.initialize(repeating: 0, count: lanes)
    }

    deinit {
        let floats = unsafe [scratch, states, inputs, nowhere]
        for index in unsafe floats.indices { unsafe floats[index].deallocate() }
        memory.deallocate()
        unsafe rows.deallocate()
        unsafe timesteps.deallocate()
        unsafe answers.deallocate()
        unsafe jobs.deallocate()
    }

    /// Takes a job's timesteps, one after another.
    func run(_ job: inout StepJob, _ batch: StepBatch.Memory) {
        let row = unsafe batch.row(job.row)
        while !job.hasEnded {
            let timestep = job.first + job.taken
            let timesteps = unsafe batch.inputs + timestep * features
            let answers = unsafe batch.answers + timestep * outputs
            var taken = 1
            var isFinite = true
            if let tail, case let atOnce = tail.timestepsAtOnce(of: job.stepsWithoutChange), atOnce > 0 {
                (taken, isFinite) = unsafe tail.run(atOnce, timesteps, row: row, answers: answers, scratch: scratch)
            } else {
                isFinite = unsafe model.step(
                    input: timesteps, state: row, output: row + model.stateSize, scratch: scratch)
                unsafe answers.copy(row + model.stateSize, count: outputs)
            }
            if job.advance(by: taken, sequenceLength: batch.sequenceLength) {
                unsafe row.update(repeating: 0, count: model.stateSize)
            } else if !isFinite {
                job.isFaulty = true
            }
        }
    }

    /// Takes the timesteps of all jobs of a batch.
    func run(_ batch: StepBatch.Memory) {
        var count = 0
        for number in unsafe batch.jobs.indices { add(number, to: &count, batch) }
        run(count, batch)
    }

    /// Takes the timesteps of some jobs of a batch.
    ///
    /// - Parameters:
    ///   - batch: The batch.
    ///   - places: Where they stand in its order.
    func run(_ batch: StepBatch.Memory, _ places: Range<Int>) {
        var count = 0
        for place in places { unsafe add(Int(batch.order[place]), to: &count, batch) }
        run(count, batch)
    }

    /// Adds a job to the first of `jobs`, and takes those once there are as many as lanes.
    @inline(__always)
    private func add(_ number: Int, to count: inout Int, _ batch: StepBatch.Memory) {
        if areTimestepsIndependent, unsafe batch.jobs[number].count >= lanes {
            // They stand side by side; those of different streams would have to be gathered.
            return unsafe run(&batch.jobs[number], batch)
        }
        unsafe jobs[count] = number
        count += 1
        if count == lanes {
            run(count, batch)
            count = 0
        }
    }

    /// Takes the timesteps of the first of `jobs`, as many as there are lanes or fewer, side by side where that is worthwhile.
    private func run(_ count: Int, _ batch: StepBatch.Memory) {
        guard isWorthwhile(count) else {
            for lane in 0..<count { unsafe run(&batch.jobs[jobs[lane]], batch) }
            return
        }
        var arePlain = true
        for lane in 0..<count {
            let job = unsafe batch.jobs[jobs[lane]]
            arePlain = arePlain && job.isPlain
            unsafe rows[lane] = batch.row(job.row)
        }
        for lane in count..<lanes { vacate(lane) }
        // The last outputs are replaced in any case.
        unsafe rows.withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: lanes) {
            unsafe kernels.gather(states, from: $0, count: model.stateSize)
        }
        if arePlain { runPlain(count, batch) } else { runChanging(count, batch) }
    }

    /// The usual case: one timestep of each, and nothing else to be done for any of them.
    private func runPlain(_ count: Int, _ batch: StepBatch.Memory) {
        let first = unsafe batch.jobs[jobs[0]].first
        // Side by side, they are a row of a tile already. One timestep each: so nobody else's are between them.
        let areSideBySide = unsafe batch.jobs[jobs[count - 1]].first - first == count - 1
        if areSideBySide && features == 1 && outputs == 1 {
            unsafe inputs.update(from: batch.inputs + first, count: count)
            unsafe (batch.answers + first).update(from: stepLayers(), count: count)
        } else {
            point(count, batch)
            stepAll()
        }
        let finite = unsafe kernels.finiteLanes(states, count: model.stateSize)
        unsafe kernels.scatter(states, to: rows, count: model.stateSize + outputs)
        for lane in 0..<count {
            unsafe batch.jobs[jobs[lane]].advancePlainly(isFaulty: finite & 1 << UInt32(lane) == 0)
        }
    }

    /// Goes on until all timesteps are taken. Once so few streams are left that it is not worthwhile side by side, each of
    /// them goes on alone.
    private func runChanging(_ count: Int, _ batch: StepBatch.Memory) {
        point(count, batch)
        taken = 1 << UInt32(count) - 1
        while isWorthwhile(taken.nonzeroBitCount) {
            let steps = stepsWithoutChange(batch)
            var step = 0
            var faulty: UInt32 = 0
            while step < steps && faulty == 0 {
                if step > 0 { advance() }
                stepAll()
                faulty = unsafe ~kernels.finiteLanes(states, count: model.stateSize) & taken
                step += 1
            }
            settle(after: step, faulty: faulty, batch)
            advance()
        }
        for lane in 0..<lanes where taken & 1 << UInt32(lane) != 0 {
            leave(lane)
            unsafe run(&batch.jobs[jobs[lane]], batch)
        }
    }

    /// Whether so many streams are stepped sooner side by side than one after another.
    private func isWorthwhile(_ count: Int) -> Bool { count >= fewestSideBySide }

    /// How many timesteps it is until a job or a sequence ends.
    private func stepsWithoutChange(_ batch: StepBatch.Memory) -> Int {
        var steps = Int.max
        for lane in 0..<lanes where taken & 1 << UInt32(lane) != 0 {
            unsafe steps = min(steps, batch.jobs[jobs[lane]].stepsWithoutChange)
        }
        return steps
    }

    /// Says in the jobs what was taken, and frees the lanes of those that have ended.
    private func settle(after steps: Int, faulty: UInt32, _ batch: StepBatch.Memory) {
        var ended: UInt32 = 0
        for lane in 0..<lanes where taken & 1 << UInt32(lane) != 0 {
            let number = unsafe jobs[lane]
            if unsafe batch.jobs[number].advance(by: steps, sequenceLength: batch.sequenceLength) {
                for k in 0..<model.stateSize { unsafe states[k * lanes + lane] = 0 }
            } else if faulty & 1 << UInt32(lane) != 0 {
                unsafe batch.jobs[number].isFaulty = true
            }
            if unsafe batch.jobs[number].hasEnded { ended |= 1 << UInt32(lane) }
        }
        if ended == taken {
            // The usual end: all at once, by whole vectors.
            unsafe kernels.scatter(states, to: rows, count: model.stateSize + outputs)
            taken = 0
        } else {
            for lane in 0..<lanes where ended & 1 << UInt32(lane) != 0 { leave(lane) }
        }
    }

    /// Points each lane to its job's timesteps, of which none was taken yet.
    private func point(_ count: Int, _ batch: StepBatch.Memory) {
        for lane in 0..<count {
            let first = unsafe batch.jobs[jobs[lane]].first
            unsafe timesteps[lane] = UnsafePointer(batch.inputs + first * features)
            unsafe answers[lane] = batch.answers + first * outputs
        }
    }

    /// Puts a lane's state and last outputs back into its row.
    private func leave(_ lane: Int) {
        if let row = unsafe rows[lane] {
            for k in 0..<(model.stateSize + outputs) { unsafe row[k] = states[k * lanes + lane] }
        }
        taken &= ~(1 << UInt32(lane))
        vacate(lane)
    }

    private func vacate(_ lane: Int) {
        unsafe rows[lane] = nowhere
        unsafe timesteps[lane] = UnsafePointer(nowhere)
        unsafe answers[lane] = nowhere
    }

    /// Goes on to each lane's next timestep.
    private func advance() {
        for lane in 0..<lanes where taken & 1 << UInt32(lane) != 0 {
            unsafe timesteps[lane]? += features
            unsafe answers[lane]? += outputs
        }
    }

    /// Takes the timestep that each lane points to.
    private func stepAll() {
        unsafe kernels.gather(inputs, from: timesteps, count: features)
        unsafe kernels.scatter(stepLayers(), to: answers, count: outputs)
    }

    /// Takes one timestep of every lane.
    ///
    /// - Returns: The outputs, shape (outputs, lanes): what follows the layers' states.
    private func stepLayers() -> UnsafePointer<Float> {
        let outputs = unsafe states + model.stateSize * lanes
        unsafe model.stepLanes(model.steps.indices, x: inputs, states: states, outputs: outputs, memory: memory)
        return unsafe UnsafePointer(outputs)
    }
}
