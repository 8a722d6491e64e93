/// Values one after another, in memory that grows and is kept. Its owner frees it.
///
/// An `Array` would ask at each change whether anybody else holds it.
@safe
struct GrowingBuffer<Element: BitwiseCopyable> {
    private(set) var start: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity = 256

    init() {
        unsafe start = .allocate(capacity: capacity)
    }

    func deallocate() {
        unsafe start.deallocate()
    }

    /// Makes room for so many values, which are undefined where they are new.
    @inline(__always)
    mutating func resize(to newCount: Int) {
        if newCount > capacity { grow(to: newCount) }
        count = newCount
    }

    @inline(never)
    private mutating func grow(to newCount: Int) {
        let old = unsafe start
        capacity = max(newCount, 2 * capacity)
        unsafe start = .allocate(capacity: capacity)
        unsafe start.initialize(from: old, count: count)
        unsafe old.deallocate()
    }

    @inline(__always)
    mutating func append(_ value: Element) {
        let end = count
        resize(to: end + 1)
        unsafe (start + end).initialize(to: value)
    }

    @inline(__always)
    mutating func append(_ values: Span<Element>) {
        let end = count
        resize(to: end + values.count)
        unsafe values.withUnsafeBufferPointer { buffer in
            guard let first = buffer.baseAddress else { return }
            unsafe (start + end).copy(first, count: buffer.count)
        }
    }

    /// The value at an index below ``count``.
    subscript(index: Int) -> Element {
        @inline(__always) get {
            precondition(index >= 0 && index < count)
            return unsafe start[index]
        }
    }

    /// All values.
    var all: UnsafeMutableBufferPointer<Element> { unsafe UnsafeMutableBufferPointer(start: start, count: count) }
}

extension UnsafeMutablePointer where Pointee: BitwiseCopyable {
    /// Copies values that do not overlap these. One value, as a model with one output has, without the call that a copy of
    /// memory is.
    @inline(__always)
    func copy(_ values: UnsafePointer<Pointee>, count: Int) {
        if count == 1 {
            unsafe pointee = values.pointee
        } else {
            unsafe update(from: values, count: count)
        }
    }
}
