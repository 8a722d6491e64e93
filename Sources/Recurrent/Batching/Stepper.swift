/// Steps streams of one model on one thread, on the scalar path or on the batched path. Each stepper has its own
/// working memory.
///
/// The batched path steps many streams at once, each in one lane of the vectors. It stores values in tiles, in which
/// one vector holds the same value of every lane. One instruction then does the same work for all lanes, and each
/// weight is read once for all of them:
///
///     lane             0    1    2   …
///     states:        | h₀   h₀   h₀   … |  ⎫
///                    | h₁   h₁   h₁   … |  ⎬ each lane is one row of the pool
///                    | …                |  ⎭
///                    | last outputs     |
///     inputs:        | x₀   x₀   x₀   … |
///
/// Both paths apply the same operations to each value in the same order, so their outputs are bit-identical.
@safe
final class Stepper {
    private let model: Model
    private let kernels: Kernels
    /// The number of streams that the batched path steps at once.
    let lanes: Int
    private let batchThreshold: Int
    private let features: Int
    private let outputs: Int

    private let scratch: UnsafeMutablePointer<Float>
    private let states: UnsafeMutablePointer<Float>
    private let inputs: UnsafeMutablePointer<Float>
    private let memory: LaneMemory
    private let tail: StatelessTail?
    /// Whether the model has no state, so that one stream's timesteps can fill the lanes.
    private let areTimestepsIndependent: Bool

    /// Each lane's row, next timestep and next output. Idle lanes point to `idleRow`.
    private let rows: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let timesteps: UnsafeMutablePointer<UnsafePointer<Float>?>
    private let targets: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let idleRow: UnsafeMutablePointer<Float>
    /// The index of each lane's job in the batch.
    private let laneJobs: UnsafeMutablePointer<Int>
    /// A bit mask of the busy lanes. Lane 0 is the lowest bit.
    private var busyLanes: UInt32 = 0

    init(_ model: Model) {
        self.model = model
        kernels = model.kernels
        lanes = kernels.lanes
        batchThreshold = model.batchThreshold
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
        unsafe idleRow = .zeros(rowSize + model.features)
        unsafe rows = .allocate(capacity: lanes)
        unsafe rows.initialize(repeating: idleRow, count: lanes)
        unsafe timesteps = .allocate(capacity: lanes)
        unsafe timesteps.initialize(repeating: UnsafePointer(idleRow), count: lanes)
        unsafe targets = .allocate(capacity: lanes)
        unsafe targets.initialize(repeating: idleRow, count: lanes)
        unsafe laneJobs = .allocate(capacity: lanes)
        unsafe laneJobs.initialize(repeating: 0, count: lanes)
    }

    deinit {
        let floats = unsafe [scratch, states, inputs, idleRow]
        for index in unsafe floats.indices { unsafe floats[index].deallocate() }
        memory.deallocate()
        unsafe rows.deallocate()
        unsafe timesteps.deallocate()
        unsafe targets.deallocate()
        unsafe laneJobs.deallocate()
    }

    /// Steps one job on the scalar path.
    func run(_ job: inout StepJob, _ batch: StepBatch.Memory) {
        let row = unsafe batch.rows[job.row]
        while !job.hasEnded {
            let timesteps = unsafe batch.values + job.firstValue + job.stepped * features
            let targets = unsafe batch.outputs + (job.first + job.stepped) * outputs
            var stepped = 1
            var isFinite = true
            if let tail, case let atOnce = tail.timestepsAtOnce(of: job.stepsUntilChange), atOnce > 0 {
                (stepped, isFinite) = unsafe tail.run(atOnce, timesteps, row: row, outputs: targets, scratch: scratch)
            } else {
                isFinite = unsafe model.step(
                    input: timesteps, state: row, output: row + model.stateSize, scratch: scratch)
                unsafe targets.copy(row + model.stateSize, count: outputs)
            }
            if job.advance(by: stepped, sequenceLength: batch.sequenceLength) {
                unsafe row.update(repeating: 0, count: model.stateSize)
            } else if !isFinite {
                job.isFaulty = true
            }
        }
    }

    /// Steps all jobs of a batch.
    func run(_ batch: StepBatch.Memory) {
        var count = 0
        for number in unsafe batch.jobs.indices { add(number, to: &count, batch) }
        run(count, batch)
    }

    /// Steps a range of a batch's jobs.
    ///
    /// - Parameters:
    ///   - batch: The batch.
    ///   - places: The range of indices in `batch.order`.
    func run(_ batch: StepBatch.Memory, _ places: Range<Int>) {
        var count = 0
        for place in places { unsafe add(Int(batch.order[place]), to: &count, batch) }
        run(count, batch)
    }

    /// Assigns a job to the next lane, and steps all lanes once each has a job.
    @inline(__always)
    private func add(_ number: Int, to count: inout Int, _ batch: StepBatch.Memory) {
        if areTimestepsIndependent, unsafe batch.jobs[number].count >= lanes {
            // The job fills all lanes by itself. Its timesteps are adjacent in memory, whereas timesteps of different
            // streams would have to be gathered.
            return unsafe run(&batch.jobs[number], batch)
        }
        unsafe laneJobs[count] = number
        count += 1
        if count == lanes {
            run(count, batch)
            count = 0
        }
    }

    /// Steps the first `count` jobs of `laneJobs` on the faster of the two paths.
    private func run(_ count: Int, _ batch: StepBatch.Memory) {
        guard isBatchFaster(count) else {
            for lane in 0..<count { unsafe run(&batch.jobs[laneJobs[lane]], batch) }
            return
        }
        var areSingleSteps = true
        for lane in 0..<count {
            let job = unsafe batch.jobs[laneJobs[lane]]
            areSingleSteps = areSingleSteps && job.isSingleStep
            unsafe rows[lane] = batch.rows[job.row]
        }
        for lane in count..<lanes { clear(lane) }
        // Gather only the states, because the step replaces the last outputs.
        unsafe rows.withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: lanes) {
            unsafe kernels.gather(states, from: $0, count: model.stateSize)
        }
        if areSingleSteps { runSingleSteps(count, batch) } else { runSequences(count, batch) }
    }

    /// Steps jobs that are all single steps, which is the most common case.
    private func runSingleSteps(_ count: Int, _ batch: StepBatch.Memory) {
        let first = unsafe batch.jobs[laneJobs[0]]
        let last = unsafe batch.jobs[laneJobs[count - 1]]
        // The jobs are in ascending order and have one timestep each. If the last job's timestep is `count` − 1 places
        // after the first job's, then all timesteps of the jobs are adjacent.
        let areAdjacent = last.first - first.first == count - 1 && last.firstValue - first.firstValue == count - 1
        if areAdjacent && features == 1 && outputs == 1 {
            // In memory, the timesteps already form one row of a tile, and so do the outputs.
            unsafe inputs.update(from: batch.values + first.firstValue, count: count)
            unsafe (batch.outputs + first.first).update(from: stepLayers(), count: count)
        } else {
            pointLanes(count, batch)
            stepLanes()
        }
        let finite = unsafe kernels.finiteLanes(states, count: model.stateSize)
        unsafe kernels.scatter(states, to: rows, count: model.stateSize + outputs)
        for lane in 0..<count {
            unsafe batch.jobs[laneJobs[lane]].finishSingleStep(isFaulty: finite & 1 << UInt32(lane) == 0)
        }
    }

    /// Steps jobs of any length. When only few lanes are still busy, the scalar path finishes their jobs.
    private func runSequences(_ count: Int, _ batch: StepBatch.Memory) {
        pointLanes(count, batch)
        busyLanes = 1 << UInt32(count) - 1
        while isBatchFaster(busyLanes.nonzeroBitCount) {
            let steps = stepsUntilChange(batch)
            var step = 0
            var faulty: UInt32 = 0
            while step < steps && faulty == 0 {
                if step > 0 { advanceLanes() }
                stepLanes()
                faulty = unsafe ~kernels.finiteLanes(states, count: model.stateSize) & busyLanes
                step += 1
            }
            finishSteps(step, faulty: faulty, batch)
            advanceLanes()
        }
        for lane in 0..<lanes where busyLanes & 1 << UInt32(lane) != 0 {
            release(lane)
            unsafe run(&batch.jobs[laneJobs[lane]], batch)
        }
    }

    /// Returns whether the batched path is faster than the scalar path for the given number of streams.
    private func isBatchFaster(_ count: Int) -> Bool { count >= batchThreshold }

    /// Returns the number of timesteps until a job or a sequence ends in any lane.
    private func stepsUntilChange(_ batch: StepBatch.Memory) -> Int {
        var steps = Int.max
        for lane in 0..<lanes where busyLanes & 1 << UInt32(lane) != 0 {
            unsafe steps = min(steps, batch.jobs[laneJobs[lane]].stepsUntilChange)
        }
        return steps
    }

    /// Records the stepped timesteps in the jobs, resets the states of ended sequences, and releases the lanes of ended
    /// jobs.
    private func finishSteps(_ steps: Int, faulty: UInt32, _ batch: StepBatch.Memory) {
        var ended: UInt32 = 0
        for lane in 0..<lanes where busyLanes & 1 << UInt32(lane) != 0 {
            let number = unsafe laneJobs[lane]
            if unsafe batch.jobs[number].advance(by: steps, sequenceLength: batch.sequenceLength) {
                for k in 0..<model.stateSize { unsafe states[k * lanes + lane] = 0 }
            } else if faulty & 1 << UInt32(lane) != 0 {
                unsafe batch.jobs[number].isFaulty = true
            }
            if unsafe batch.jobs[number].hasEnded { ended |= 1 << UInt32(lane) }
        }
        if ended == busyLanes {
            // In the most common case, all jobs end at once, and one scatter copies whole vectors.
            unsafe kernels.scatter(states, to: rows, count: model.stateSize + outputs)
            busyLanes = 0
        } else {
            for lane in 0..<lanes where ended & 1 << UInt32(lane) != 0 { release(lane) }
        }
    }

    /// Points each lane to its job's first timestep and output.
    private func pointLanes(_ count: Int, _ batch: StepBatch.Memory) {
        for lane in 0..<count {
            let job = unsafe batch.jobs[laneJobs[lane]]
            unsafe timesteps[lane] = batch.values + job.firstValue
            unsafe targets[lane] = batch.outputs + job.first * outputs
        }
    }

    /// Copies a lane's state and last outputs back to its row, and makes the lane idle.
    private func release(_ lane: Int) {
        if let row = unsafe rows[lane] {
            for k in 0..<(model.stateSize + outputs) { unsafe row[k] = states[k * lanes + lane] }
        }
        busyLanes &= ~(1 << UInt32(lane))
        clear(lane)
    }

    private func clear(_ lane: Int) {
        unsafe rows[lane] = idleRow
        unsafe timesteps[lane] = UnsafePointer(idleRow)
        unsafe targets[lane] = idleRow
    }

    /// Points each busy lane to its next timestep and output.
    private func advanceLanes() {
        for lane in 0..<lanes where busyLanes & 1 << UInt32(lane) != 0 {
            unsafe timesteps[lane]? += features
            unsafe targets[lane]? += outputs
        }
    }

    /// Steps every lane through the timestep that it points to.
    private func stepLanes() {
        unsafe kernels.gather(inputs, from: timesteps, count: features)
        unsafe kernels.scatter(stepLayers(), to: targets, count: outputs)
    }

    /// Steps every lane through one timestep.
    ///
    /// - Returns: The outputs, shape (outputs, lanes). They follow the layers' states in memory.
    private func stepLayers() -> UnsafePointer<Float> {
        let outputs = unsafe states + model.stateSize * lanes
        unsafe model.stepLanes(model.steps.indices, x: inputs, states: states, outputs: outputs, memory: memory)
        return unsafe UnsafePointer(outputs)
    }
}
