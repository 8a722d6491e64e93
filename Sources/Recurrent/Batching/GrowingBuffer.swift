/// Values one after another, in memory that grows and is kept.
///
/// An `Array` would ask at each change whether anybody else holds it, and the hot path changes a dozen of them for each message.
@safe
public struct GrowingBuffer<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline var start: UnsafeMutablePointer<Element>
    @usableFromInline var end = 0
    @usableFromInline var capacity: Int

    /// How many values there are.
    @inlinable public var count: Int { end }

    /// No values.
    ///
    /// - Parameter capacity: For how many there is room, at least 1.
    public init(capacity: Int = 256) {
        self.capacity = capacity
        unsafe start = .allocate(capacity: capacity)
    }

    /// As many values as there is room for at first, all the same.
    public init(repeating value: Element, count: Int) {
        self.init(capacity: count)
        unsafe start.initialize(repeating: value, count: count)
        end = count
    }

    deinit {
        unsafe start.deallocate()
    }

    /// Makes room for so many values, which are undefined where they are new.
    @inlinable
    @inline(__always)
    public mutating func resize(to newCount: Int) {
        if newCount > capacity { grow(to: newCount) }
        end = newCount
    }

    @usableFromInline
    @inline(never)
    mutating func grow(to newCount: Int) {
        let old = unsafe start
        capacity = max(newCount, 2 * capacity)
        unsafe start = .allocate(capacity: capacity)
        unsafe start.initialize(from: old, count: end)
        unsafe old.deallocate()
    }

    /// Adds a value.
    @inlinable
    @inline(__always)
    public mutating func append(_ value: Element) {
        let end = end
        resize(to: end + 1)
        unsafe (start + end).initialize(to: value)
    }

    /// Adds values.
    @inlinable
    @inline(__always)
    public mutating func append(_ values: Span<Element>) {
        let end = end
        resize(to: end + values.count)
        unsafe values.withUnsafeBufferPointer { buffer in
            guard let first = buffer.baseAddress else { return }
            unsafe (start + end).copy(first, count: buffer.count)
        }
    }

    /// Forgets the values and keeps the memory.
    @inlinable
    @inline(__always)
    public mutating func removeAll() { end = 0 }

    /// The value at an index below ``count``.
    @inlinable
    public subscript(index: Int) -> Element {
        @inline(__always) get {
            precondition(index >= 0 && index < count)
            return unsafe start[index]
        }
        @inline(__always) _modify {
            precondition(index >= 0 && index < count)
            yield unsafe &start[index]
        }
    }

    /// All values.
    @inlinable
    public var span: Span<Element> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(_unsafeStart: UnsafePointer(start), count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The values from an index on, to be written.
    @inlinable
    public subscript(from first: Int) -> MutableSpan<Element> {
        @_lifetime(&self) mutating get {
            precondition(first >= 0 && first <= count)
            let span = unsafe MutableSpan(_unsafeStart: start + first, count: count - first)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// All values, for the engine.
    var all: UnsafeMutableBufferPointer<Element> { unsafe UnsafeMutableBufferPointer(start: start, count: count) }
}

extension UnsafeMutablePointer where Pointee: BitwiseCopyable {
    /// Copies values that do not overlap these. One value, as a model with one output has, without the call that a copy of
    /// memory is.
    @inlinable
    @inline(__always)
    public func copy(_ values: UnsafePointer<Pointee>, count: Int) {
        if count == 1 {
            unsafe pointee = values.pointee
        } else {
            unsafe update(from: values, count: count)
        }
    }
}
