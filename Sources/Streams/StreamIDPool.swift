/// The ids of many streams as bytes, each in a cell that is little larger than the id itself: a million `String`s would
/// take more memory than the state of their streams.
///
///     cell:  | length | bytes … | up to 7 unused |      8, 16, 24 … or 256 bytes
///
/// Cells of one size stand in pages that never move. Free cells are a list, each of them holding the number of the next.
/// One owner, one thread; it is not `Sendable`.
@safe
final class StreamIDPool {
    /// Where an id is kept: the cell's size in the five highest bits, then its number among the cells of that size.
    struct Place: Equatable {
        static let none = Place(bits: .max)
        fileprivate static let numberBits: UInt32 = 27

        fileprivate let bits: UInt32

        fileprivate init(bits: UInt32) { self.bits = bits }

        fileprivate init(size: Int, number: UInt32) {
            bits = UInt32(size) << Self.numberBits | number
        }

        /// Cells of 8 × (size + 1) bytes.
        fileprivate var size: Int { Int(bits >> Self.numberBits) }
        fileprivate var number: UInt32 { bits & (1 << Self.numberBits - 1) }
    }

    /// All cells of one size.
    @safe
    private struct Cells {
        var pages: [UnsafeMutablePointer<UInt8>]
        var count: UInt32 = 0
        /// The first free cell; the list ends with `.max`.
        var free: UInt32 = .max
    }

    /// A power of two, so that a cell is found without a division.
    private static let cellsPerPage: UInt32 = 1024
    private static let unit = 8

    private var cells: [Cells]

    init() {
        cells = (0..<32).map { _ in unsafe Cells(pages: []) }
    }

    deinit {
        for size in cells.indices {
            for index in unsafe cells[size].pages.indices { unsafe cells[size].pages[index].deallocate() }
        }
    }

    /// Keeps an id of 1 to 255 bytes.
    func insert(_ id: Span<UInt8>) -> Place {
        precondition(id.count >= 1 && id.count <= 255)
        let size = id.count / Self.unit
        let number = takeCell(of: size)
        let cell = unsafe pointer(size, number)
        unsafe cell[0] = UInt8(id.count)
        for index in id.indices { unsafe cell[1 + index] = id[index] }
        return Place(size: size, number: number)
    }

    /// Forgets an id. Its place may be given out again.
    func remove(_ place: Place) {
        let cell = unsafe pointer(place.size, place.number)
        unsafe UnsafeMutableRawPointer(cell).storeBytes(of: cells[place.size].free, as: UInt32.self)
        cells[place.size].free = place.number
    }

    /// The id at a place that was given out, shape (length).
    @_lifetime(borrow self)
    func bytes(at place: Place) -> Span<UInt8> {
        let cell = unsafe pointer(place.size, place.number)
        let span = unsafe Span(_unsafeStart: UnsafePointer(cell + 1), count: Int(cell[0]))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    private func takeCell(of size: Int) -> UInt32 {
        let free = cells[size].free
        if free != .max {
            unsafe cells[size].free = UnsafeRawPointer(pointer(size, free)).load(as: UInt32.self)
            return free
        }
        let number = cells[size].count
        precondition(number < 1 << Place.numberBits - 1)
        if unsafe Int(number / Self.cellsPerPage) == cells[size].pages.count {
            let bytes = Int(Self.cellsPerPage) * Self.unit * (size + 1)
            unsafe cells[size].pages.append(.allocate(capacity: bytes))
        }
        cells[size].count += 1
        return number
    }

    private func pointer(_ size: Int, _ number: UInt32) -> UnsafeMutablePointer<UInt8> {
        precondition(number < cells[size].count)
        let cell = Int(number % Self.cellsPerPage)
        return unsafe cells[size].pages[Int(number / Self.cellsPerPage)] + cell * Self.unit * (size + 1)
    }
}
