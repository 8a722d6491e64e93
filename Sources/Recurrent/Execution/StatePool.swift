/// The states of many streams of one model.
///
/// Each stream has a numbered row:
///
///     row:  | state of layer 0 | state of layer 1 | … | last outputs |
///           '------------ stateSize floats -----------'-- outputs ---'
///
/// Rows are in pages that never move, so adding a stream never copies the others. The pool has one owner on one thread.
@safe
package final class StatePool {
    private static let rowsPerPage = 1024

    /// The weights for every row.
    package let model: Model

    private let rowSize: Int
    private let scratch: UnsafeMutablePointer<Float>
    private let contents: Confined<Contents>

    /// The fields that change when rows are inserted or removed.
    @safe
    private struct Contents: ~Copyable {
        var pages = unsafe GrowingBuffer<UnsafeMutablePointer<Float>>(capacity: 16)
        var freeRows: [Int] = []
        var rowCount = 0
    }

    /// Creates an empty pool.
    package init(model: Model) {
        self.model = model
        rowSize = model.stateSize + model.outputs
        contents = Confined(Contents())
        unsafe scratch = .allocate(capacity: max(1, model.scratchSize))
        unsafe scratch.initialize(repeating: 0, count: max(1, model.scratchSize))
    }

    /// Creates a pool that takes over the rows of another pool and keeps their numbers. The other pool is empty
    /// afterwards.
    ///
    /// - Parameters:
    ///   - other: A pool of a model with the same state layout and number of outputs.
    ///   - model: The model with the new weights.
    package convenience init(movingRowsOf other: StatePool, model: Model) {
        precondition(model.stateLayout == other.model.stateLayout && model.outputs == other.model.outputs)
        self.init(model: model)
        swap(&contents.value, &other.contents.value)
    }

    deinit {
        unsafe scratch.deallocate()
        for index in unsafe 0..<contents.value.pages.count {
            unsafe contents.value.pages[index].deallocate()
        }
    }

    /// Assigns a row and returns its number. The row holds zeros: the state before the first timestep.
    package func insert() -> Int {
        if let row = contents.value.freeRows.popLast() { return row }
        let row = contents.value.rowCount
        if unsafe row == contents.value.pages.count * Self.rowsPerPage {
            // Kernels may read past the end of any row, even of the last one.
            let floats = Self.rowsPerPage * rowSize + Kernels.padding
            let page = UnsafeMutablePointer<Float>.allocate(capacity: floats)
            unsafe page.initialize(repeating: 0, count: floats)
            unsafe contents.value.pages.append(page)
        }
        contents.value.rowCount = row + 1
        return row
    }

    /// Frees a row, so that the pool can assign its number again.
    package func remove(_ row: Int) {
        unsafe pointer(to: row).update(repeating: 0, count: rowSize)
        contents.value.freeRows.append(row)
    }

    /// Sets the state to zero, as before the first timestep, and keeps the last outputs.
    package func reset(_ row: Int) {
        unsafe pointer(to: row).update(repeating: 0, count: model.stateSize)
    }

    /// Steps one stream through one timestep, on the scalar path.
    ///
    /// - Parameters:
    ///   - row: The stream's row; the step replaces its state and its outputs.
    ///   - inputs: Timesteps, shape (n, features).
    ///   - index: The index of the timestep to step.
    package func step(_ row: Int, inputs: Span<Float>, index: Int) {
        let features = model.features
        precondition(index >= 0 && (index + 1) * features <= inputs.count)
        let state = unsafe pointer(to: row)
        unsafe inputs.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe model.step(
                input: start + index * features, state: state, output: state + model.stateSize, scratch: scratch)
        }
    }

    /// Returns whether a state is finite. The check leaves out the last outputs, because the mean over no timesteps is
    /// NaN even though the state is sound.
    static func isFinite(_ state: UnsafePointer<Float>, count: Int) -> Bool {
        var largest: UInt32 = 0
        for k in 0..<count {
            unsafe largest = max(largest, state[k].bitPattern & 0x7FFF_FFFF)
        }
        return largest < Float.infinity.bitPattern
    }

    /// Returns the outputs at the row's last timestep, shape (outputs).
    @_lifetime(borrow self)
    package func outputs(of row: Int) -> Span<Float> {
        values(of: row).extracting(droppingFirst: model.stateSize)
    }

    /// Returns the whole row as a checkpoint stores it: the state, then the last outputs, shape (stateSize + outputs).
    @_lifetime(borrow self)
    package func values(of row: Int) -> Span<Float> {
        let span = unsafe Span(_unsafeStart: pointer(to: row), count: rowSize)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Replaces a whole row with values from ``values(of:)``.
    ///
    /// - Precondition: `values` has the row's size. The caller must first check values from external sources.
    package func replace(_ row: Int, with values: Span<Float>) {
        precondition(values.count == rowSize)
        let target = unsafe pointer(to: row)
        for k in values.indices {
            unsafe target[k] = values[k]
        }
    }

    /// The number of floats in a row.
    package var valuesPerRow: Int { rowSize }

    /// The addresses of the rows, valid until the next ``insert()``.
    @safe
    struct Rows {
        fileprivate let pages: UnsafePointer<UnsafeMutablePointer<Float>>
        fileprivate let rowSize: Int
        fileprivate let count: Int

        /// The address of an assigned row.
        subscript(row: Int) -> UnsafeMutablePointer<Float> {
            precondition(row >= 0 && row < count)
            return unsafe pages[row / StatePool.rowsPerPage] + (row % StatePool.rowsPerPage) * rowSize
        }
    }

    var allRows: Rows {
        unsafe Rows(
            pages: UnsafePointer(contents.value.pages.start), rowSize: rowSize, count: contents.value.rowCount)
    }

    private func pointer(to row: Int) -> UnsafeMutablePointer<Float> { unsafe allRows[row] }
}
