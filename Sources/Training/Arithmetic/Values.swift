import Recurrent

/// The layout of a tile. Row k of a tile holds value k of each sequence in a group, one per lane.
package enum Tile {
    /// The number of sequences in a whole group, one for each lane of a vector.
    package static let lanes = 16
}

/// A pointer into a ``Buffer``, for reading and writing values by index.
///
/// Callers must keep the buffer alive, and must pass pointers with enough room for the shapes that a function
/// documents. Indices are not checked.
///
/// `@unchecked Sendable`: threads share pointers only to read parameters. Each thread writes only to its own buffers.
@safe
package struct Values<Element: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
    let start: UnsafeMutablePointer<Element>

    @inline(__always)
    package subscript(index: Int) -> Element {
        get { unsafe start[index] }
        nonmutating set { unsafe start[index] = newValue }
    }

    /// Returns the pointer `offset` values further on.
    @inline(__always)
    static func + (place: Self, offset: Int) -> Self { unsafe Self(start: place.start + offset) }

    func fill(_ value: Element, count: Int) { unsafe start.update(repeating: value, count: count) }

    /// Copies `count` values from a buffer that does not overlap these values.
    func copy(_ other: Self, count: Int) { unsafe start.update(from: other.start, count: count) }

    func array(count: Int) -> [Element] { (0..<count).map { self[$0] } }
}

extension Values where Element: ReferenceScalar {
    /// Adds `count` values to the values here.
    func add(_ other: Self, count: Int) {
        for k in 0..<count { self[k] += other[k] }
    }
}

/// A growable buffer that starts on a cache line. Kernels may read up to one vector past its end.
@safe
final class Buffer<Element: BitwiseCopyable> {
    private(set) var values: Values<Element>
    private(set) var count: Int
    private let initial: Element

    /// Allocates values that all equal `initial`.
    init(_ count: Int, _ initial: Element) {
        values = Self.values(count, initial)
        self.count = count
        self.initial = initial
    }

    deinit { unsafe values.start.deallocate() }

    /// Makes room for at least `count` values. If the buffer grows, its values are lost.
    func reserve(_ count: Int) {
        guard count > self.count else { return }
        unsafe values.start.deallocate()
        values = Self.values(count, initial)
        self.count = count
    }

    var array: [Element] { values.array(count: count) }

    private static func values(_ count: Int, _ initial: Element) -> Values<Element> {
        let padded = count + Tile.lanes
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: padded * MemoryLayout<Element>.stride, alignment: 64)
        return unsafe Values(start: memory.initializeMemory(as: Element.self, repeating: initial, count: padded))
    }
}

extension Buffer where Element: ReferenceScalar {
    /// Allocates zeros.
    convenience init(_ count: Int) { self.init(count, 0) }

    convenience init(_ values: [Element]) {
        self.init(values.count)
        for (index, value) in values.enumerated() { self.values[index] = value }
    }
}
