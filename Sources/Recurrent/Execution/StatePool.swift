/// The states of many streams of one model, and the step that moves one of them on.
///
/// Each stream has a row, found by number:
///
///     row:  | state of layer 0 | state of layer 1 | … | last outputs |
///           '------------ stateSize floats -----------'-- outputs ---'
///
/// Rows stand in pages that never move, so adding a stream never copies the others. One owner, one thread: whoever
/// holds the pool; it is not `Sendable`.
@safe
public final class StatePool {
    private static let rowsPerPage = 1024

    /// The weights that every row of this pool is stepped with.
    public let model: Model

    private let rowSize: Int
    private let scratch: UnsafeMutablePointer<Float>
    private var pages: [UnsafeMutablePointer<Float>]
    private var freeRows: [Int] = []
    private var rowCount = 0

    /// An empty pool.
    public init(model: Model) {
        self.model = model
        rowSize = model.stateSize + model.outputs
        unsafe pages = []
        unsafe scratch = .allocate(capacity: max(1, model.scratchSize))
        unsafe scratch.initialize(repeating: 0, count: max(1, model.scratchSize))
    }

    /// A pool with the rows of another, under the same numbers; the other has none any more.
    ///
    /// - Parameters:
    ///   - other: A pool whose rows are made of the same layers' states, and of as many outputs.
    ///   - model: The weights that the rows are stepped with from here on.
    public convenience init(takingRowsOf other: StatePool, model: Model) {
        precondition(model.stateLayout == other.model.stateLayout && model.outputs == other.model.outputs)
        self.init(model: model)
        unsafe swap(&pages, &other.pages)
        swap(&freeRows, &other.freeRows)
        swap(&rowCount, &other.rowCount)
    }

    deinit {
        unsafe scratch.deallocate()
        for index in unsafe pages.indices {
            unsafe pages[index].deallocate()
        }
    }

    /// Gives out a row of zeros: the state before the first timestep.
    public func insert() -> Int {
        if let row = freeRows.popLast() { return row }
        if unsafe rowCount == pages.count * Self.rowsPerPage {
            // Kernels read past a row's end, of the last row too.
            let floats = Self.rowsPerPage * rowSize + Kernels.padding
            let page = UnsafeMutablePointer<Float>.allocate(capacity: floats)
            unsafe page.initialize(repeating: 0, count: floats)
            unsafe pages.append(page)
        }
        rowCount += 1
        return rowCount - 1
    }

    /// Takes a row back. Its number may be given out again.
    public func remove(_ row: Int) {
        unsafe pointer(to: row).update(repeating: 0, count: rowSize)
        freeRows.append(row)
    }

    /// Sets the state to zero, as before the first timestep. The last outputs stay.
    public func reset(_ row: Int) {
        unsafe pointer(to: row).update(repeating: 0, count: model.stateSize)
    }

    /// Takes one timestep.
    ///
    /// - Parameters:
    ///   - row: The stream's row: its state and its outputs are replaced.
    ///   - inputs: Timesteps side by side, shape (n, features).
    ///   - index: Which of the n timesteps to take.
    public func step(_ row: Int, inputs: Span<Float>, index: Int) {
        let features = model.features
        precondition(index >= 0 && (index + 1) * features <= inputs.count)
        let state = unsafe pointer(to: row)
        unsafe inputs.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe model.step(
                input: start + index * features, state: state, output: state + model.stateSize, scratch: scratch)
        }
    }

    /// Whether a state is finite. The last outputs are not looked at: a mean of no timesteps is NaN, though nothing is
    /// wrong with the state.
    static func isFinite(_ state: UnsafePointer<Float>, count: Int) -> Bool {
        var largest: UInt32 = 0
        for k in 0..<count {
            unsafe largest = max(largest, state[k].bitPattern & 0x7FFF_FFFF)
        }
        return largest < Float.infinity.bitPattern
    }

    /// The answer to the row's last timestep, shape (outputs).
    @_lifetime(borrow self)
    public func outputs(of row: Int) -> Span<Float> {
        values(of: row).extracting(droppingFirst: model.stateSize)
    }

    /// The whole row: state, then last outputs, shape (stateSize + outputs). What a checkpoint keeps.
    @_lifetime(borrow self)
    public func values(of row: Int) -> Span<Float> {
        let span = unsafe Span(_unsafeStart: pointer(to: row), count: rowSize)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Puts a whole row back as ``values(of:)`` gave it.
    ///
    /// - Precondition: `values` has the row's size; whoever reads it from outside checks that first.
    public func replace(_ row: Int, with values: Span<Float>) {
        precondition(values.count == rowSize)
        let target = unsafe pointer(to: row)
        for k in values.indices {
            unsafe target[k] = values[k]
        }
    }

    /// How many floats a row has.
    public var valuesPerRow: Int { rowSize }

    /// Where a row that was given out stands.
    func pointer(to row: Int) -> UnsafeMutablePointer<Float> {
        precondition(row >= 0 && row < rowCount)
        return unsafe pages[row / Self.rowsPerPage] + (row % Self.rowsPerPage) * rowSize
    }
}
