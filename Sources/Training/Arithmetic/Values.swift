package import Recurrent

/// The layout of a tile, which holds value k of all sequences of a group side by side.
package enum Tile {
    /// The number of sequences in a group, one for each lane of a vector.
    package static let lanes = 16
}

/// A place in the memory of a ``Buffer``, for reading and writing values by index.
///
/// Callers must keep the buffer alive, and must pass places with enough room for the shapes that a function documents.
/// Indices are not checked.
///
/// `@unchecked Sendable`: threads share places only to read parameters. Each thread writes only to its own buffers.
@safe
package struct Values<Scalar: ReferenceScalar>: BitwiseCopyable, @unchecked Sendable {
    let start: UnsafeMutablePointer<Scalar>

    @inline(__always)
    package subscript(index: Int) -> Scalar {
        get { unsafe start[index] }
        nonmutating set { unsafe start[index] = newValue }
    }

    /// Returns the place `offset` values further on.
    @inline(__always)
    static func + (place: Self, offset: Int) -> Self { unsafe Self(start: place.start + offset) }

    func fill(_ value: Scalar, count: Int) { unsafe start.update(repeating: value, count: count) }

    /// Copies `count` values from a place that does not overlap this one.
    func copy(_ other: Self, count: Int) { unsafe start.update(from: other.start, count: count) }

    /// Adds `count` values to the values here.
    func add(_ other: Self, count: Int) {
        for k in 0..<count { self[k] += other[k] }
    }

    func array(count: Int) -> [Scalar] { (0..<count).map { self[$0] } }
}

/// Growable memory that starts on a cache line.
@safe
final class Buffer<Scalar: ReferenceScalar> {
    private(set) var values: Values<Scalar>
    private(set) var count: Int

    /// Allocates zeros.
    init(_ count: Int) {
        values = Self.zeros(count)
        self.count = count
    }

    convenience init(_ values: [Scalar]) {
        self.init(values.count)
        for (index, value) in values.enumerated() { self.values[index] = value }
    }

    deinit { unsafe values.start.deallocate() }

    /// Makes room for at least `count` values. If the buffer grows, its values are lost.
    func reserve(_ count: Int) {
        guard count > self.count else { return }
        unsafe values.start.deallocate()
        values = Self.zeros(count)
        self.count = count
    }

    var array: [Scalar] { values.array(count: count) }

    private static func zeros(_ count: Int) -> Values<Scalar> {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Scalar>.stride, alignment: 64)
        return unsafe Values(start: memory.initializeMemory(as: Scalar.self, repeating: 0, count: max(1, count)))
    }
}
