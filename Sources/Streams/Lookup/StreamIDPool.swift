import Recurrent

/// The ids of many streams as bytes. Each id is stored in a cell that is only slightly larger than the id. A million
/// `String`s would need more memory than the streams' state.
///
///     cell:  | length | bytes … | up to 7 unused |      8, 16, 24 … or 256 bytes
///
/// Cells of the same size share pages that never move. A place can therefore be the address of a cell, and reading an
/// id takes no lookup. Free cells form a linked list that is stored in the cells themselves. The pool has one owner and
/// is used on one thread; it is not `Sendable`.
@safe
final class StreamIDPool {
    /// The place of an id.
    @safe
    struct Place: BitwiseCopyable, Equatable {
        static var none: Place { unsafe Place(cell: nil) }
        fileprivate let cell: UnsafeMutablePointer<UInt8>?

        static func == (a: Place, b: Place) -> Bool { unsafe a.cell == b.cell }
    }

    /// All cells of one size.
    @safe
    private struct Cells {
        var pages: [UnsafeMutablePointer<UInt8>] = unsafe []
        /// The number of cells in the last page that have ever been used.
        var takenOfLastPage = cellsPerPage
        /// The first free cell. A free cell begins with the address of the next one.
        var free: UnsafeMutablePointer<UInt8>?
    }

    private static let cellsPerPage = 1024
    private static let unit = 8

    /// The cells, indexed by size. A cell of size n has 8 · (n + 1) bytes.
    private var cells = [Cells](repeating: Cells(), count: 32)

    deinit {
        for size in cells.indices {
            for index in unsafe cells[size].pages.indices { unsafe cells[size].pages[index].deallocate() }
        }
    }

    /// Stores an id of 1 to 255 bytes.
    func insert(_ id: Span<UInt8>) -> Place {
        precondition(id.count >= 1 && id.count <= 255)
        let cell = unsafe takeCell(of: id.count / Self.unit)
        unsafe cell[0] = UInt8(id.count)
        for index in id.indices { unsafe cell[1 + index] = id[index] }
        return unsafe Place(cell: cell)
    }

    /// Removes an id. Its place may be reused.
    func remove(_ place: Place) {
        guard let cell = unsafe place.cell else { preconditionFailure("no id is kept there") }
        let size = unsafe Int(cell[0]) / Self.unit
        unsafe UnsafeMutableRawPointer(cell).storeBytes(of: cells[size].free, as: UnsafeMutablePointer<UInt8>?.self)
        unsafe cells[size].free = cell
    }

    /// The id at a place, shape (length).
    @_lifetime(borrow self)
    func bytes(at place: Place) -> Span<UInt8> {
        guard let cell = unsafe place.cell else { preconditionFailure("no id is kept there") }
        let span = unsafe Span(_unsafeStart: UnsafePointer(cell + 1), count: Int(cell[0]))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Asks the processor to load the id at a place.
    func prefetch(_ place: Place) {
        if let cell = unsafe place.cell { unsafe Recurrent.prefetch(cell) }
    }

    private func takeCell(of size: Int) -> UnsafeMutablePointer<UInt8> {
        if let free = unsafe cells[size].free {
            unsafe cells[size].free = UnsafeRawPointer(free).load(as: UnsafeMutablePointer<UInt8>?.self)
            return unsafe free
        }
        let cellSize = Self.unit * (size + 1)
        if cells[size].takenOfLastPage == Self.cellsPerPage {
            unsafe cells[size].pages.append(.allocate(capacity: Self.cellsPerPage * cellSize))
            cells[size].takenOfLastPage = 0
        }
        let page = unsafe cells[size].pages[cells[size].pages.count - 1]
        cells[size].takenOfLastPage += 1
        return unsafe page + (cells[size].takenOfLastPage - 1) * cellSize
    }
}
