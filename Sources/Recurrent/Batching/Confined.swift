/// A value on the heap. Its owner must ensure that accesses never overlap.
///
/// Swift checks at run time that no two accesses to a stored property of a class overlap. On the hot path, about ten of
/// these checks per timestep would cost as much as a small model's step. Accesses to a confined value are not checked.
/// Therefore, only a type with one owner on one thread may hold a confined value, and no access may call code that
/// accesses the same value again.
@safe
public struct Confined<Value: ~Copyable>: ~Copyable {
    // Public because the hot path is in other modules, and Swift does not inline package declarations across modules.

    @usableFromInline let pointer: UnsafeMutablePointer<Value>

    /// Moves a value to the heap.
    public init(_ value: consuming Value) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    deinit {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    /// The value.
    @inlinable
    public var value: Value {
        @inline(__always) _read { yield unsafe pointer.pointee }
        @inline(__always) nonmutating _modify { yield unsafe &pointer.pointee }
    }
}
