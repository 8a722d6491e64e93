/// Floats one after another, in memory that grows and is kept. Its owner frees it.
@safe
struct FloatBuffer {
    private(set) var start: UnsafeMutablePointer<Float>
    private(set) var count = 0
    private var capacity: Int

    init() {
        capacity = 256
        unsafe start = .zeros(capacity)
    }

    func deallocate() {
        unsafe start.deallocate()
    }

    /// Makes room for so many floats, which are undefined where they are new.
    mutating func resize(to newCount: Int) {
        if newCount > capacity {
            let old = unsafe start
            capacity = max(newCount, 2 * capacity)
            unsafe start = .zeros(capacity)
            unsafe start.update(from: old, count: count)
            unsafe old.deallocate()
        }
        count = newCount
    }

    mutating func append(_ values: Span<Float>) {
        let end = count
        resize(to: end + values.count)
        unsafe values.withUnsafeBufferPointer { buffer in
            guard let first = buffer.baseAddress else { return }
            unsafe (start + end).update(from: first, count: buffer.count)
        }
    }
}
