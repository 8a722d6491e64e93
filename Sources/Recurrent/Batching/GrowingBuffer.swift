internal import CKernels

/// A growable array that has one owner and keeps its capacity when it is emptied.
///
/// An `Array` would check on every change whether it is shared, and the hot path changes a dozen arrays per message.
@safe
public struct GrowingBuffer<Element: BitwiseCopyable>: ~Copyable {
    // Public because the hot path is in other modules, and Swift does not inline package declarations across modules.

    @usableFromInline var start: UnsafeMutablePointer<Element>
    @usableFromInline var end = 0
    @usableFromInline var capacity: Int

    /// The number of values.
    @inlinable public var count: Int { end }

    /// Creates an empty buffer.
    ///
    /// - Parameter capacity: The number of values that fit without growing, at least 1.
    public init(capacity: Int = 256) {
        self.capacity = capacity
        unsafe start = .allocate(capacity: capacity)
    }

    /// Creates a buffer of equal values.
    public init(repeating value: Element, count: Int) {
        self.init(capacity: count)
        unsafe start.initialize(repeating: value, count: count)
        end = count
    }

    deinit {
        unsafe start.deallocate()
    }

    /// Changes the number of values. New values are undefined.
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

    /// Appends a value.
    @inlinable
    @inline(__always)
    public mutating func append(_ value: Element) {
        let end = end
        resize(to: end + 1)
        unsafe (start + end).initialize(to: value)
    }

    /// Appends values.
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

    /// Removes all values, but keeps the capacity.
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

    /// Asks the processor to load a value into its cache, so that a read soon afterwards need not wait.
    public func prefetch(_ index: Int) {
        if index >= 0 && index < count { unsafe sluice_prefetch(start + index) }
    }

    /// All values.
    @inlinable
    public var span: Span<Element> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(_unsafeStart: UnsafePointer(start), count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The values from an index to the end, for writing.
    @inlinable
    public subscript(from first: Int) -> MutableSpan<Element> {
        @_lifetime(&self) mutating get {
            precondition(first >= 0 && first <= count)
            let span = unsafe MutableSpan(_unsafeStart: start + first, count: count - first)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// A pointer to all values, valid until the buffer grows.
    var all: UnsafeMutableBufferPointer<Element> { unsafe UnsafeMutableBufferPointer(start: start, count: count) }
}

/// Asks the processor to load the cache line at an address.
public func prefetch(_ address: UnsafeRawPointer) { unsafe sluice_prefetch(address) }

extension UnsafeMutablePointer where Pointee: BitwiseCopyable {
    /// Copies values to this address from a buffer that does not overlap. A single value, the output of most models, is
    /// copied without a call to `memcpy`.
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
