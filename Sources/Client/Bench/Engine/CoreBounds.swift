import CBounds
import Glibc
import Recurrent

/// The speed limits of one core with one set of vector instructions. Each limit is the best of several measurements.
/// The engine cannot exceed these limits.
package struct CoreBounds: Encodable, Equatable, Sendable {
    /// The name of the vector instruction set, as the engine's kernels use it.
    package let kernels: String
    /// Float32 multiply-adds per second, fused if the machine supports it.
    package private(set) var multiplyAddsPerSecond = 0.0
    /// Float32 evaluations of e^x per second, with data in the L1 cache.
    package private(set) var exponentialsPerSecond = 0.0
    /// Bytes read per second, from data that fits into the L2 cache but not into the L1 cache.
    package private(set) var readBytesPerSecond = 0.0
    /// The latency of a multiply-add in nanoseconds, measured in a dependent chain.
    package private(set) var multiplyAddLatency = Double.infinity
    /// The latency of 1 / (1 + e^-x) in nanoseconds, measured in a dependent chain.
    package private(set) var logisticLatency = Double.infinity

    private enum CodingKeys: String, CodingKey {
        case kernels
        case multiplyAddsPerSecond = "multiply_adds_per_second"
        case exponentialsPerSecond = "exponentials_per_second"
        case readBytesPerSecond = "l2_read_bytes_per_second"
        case multiplyAddLatency = "multiply_add_latency_ns"
        case logisticLatency = "logistic_latency_ns"
    }

    init(kernels: String) {
        self.kernels = kernels
    }

    /// Adopts each value that is better in another measurement with the same set of instructions.
    mutating func improve(by other: CoreBounds) {
        multiplyAddsPerSecond = max(multiplyAddsPerSecond, other.multiplyAddsPerSecond)
        exponentialsPerSecond = max(exponentialsPerSecond, other.exponentialsPerSecond)
        readBytesPerSecond = max(readBytesPerSecond, other.readBytesPerSecond)
        multiplyAddLatency = min(multiplyAddLatency, other.multiplyAddLatency)
        logisticLatency = min(logisticLatency, other.logisticLatency)
    }

    /// Measures each quantity once more, and keeps the better value. A measurement takes well under a millisecond.
    mutating func measure(with loops: BoundLoops) {
        let multiplyAdds = loops.multiplyAdds(rounds: 20_000)
        multiplyAddsPerSecond = max(multiplyAddsPerSecond, multiplyAdds.count / multiplyAdds.seconds)
        let exponentials = loops.exponentials(repetitions: 500)
        exponentialsPerSecond = max(exponentialsPerSecond, exponentials.count / exponentials.seconds)
        multiplyAddLatency = min(multiplyAddLatency, loops.multiplyAddLatency(rounds: 50_000))
        logisticLatency = min(logisticLatency, loops.logisticLatency(rounds: 5_000))
        // This is a quarter of the smallest L2 cache that is common today.
        let bytes = 128 * 1024
        readBytesPerSecond = max(
            readBytesPerSecond, Double(bytes) / loops.secondsToRead(bytes: bytes, repetitions: 100))
    }
}

/// The loops that measure ``CoreBounds``, and the buffers that they work on.
///
/// An instance has one owner and one thread.
@safe
final class BoundLoops {
    private let functions: UnsafePointer<sluice_bounds>
    private let lanes: Int
    /// The arguments of e^x, which are also the data to read. The length is a whole number of blocks, and a block is
    /// eight vectors of the largest width. Like the engine's weights, the data is aligned to cache lines, because a
    /// vector that straddles two lines is read at half the speed.
    private let values: UnsafeMutableBufferPointer<Float>
    private let powers: UnsafeMutableBufferPointer<Float>
    /// The sum of the loops' results, which keeps the compiler from removing the loops.
    private var sum: Float = 0

    private static let exponents = 1024
    private static let block = 8 * 16

    /// Creates the loops for a set of vector instructions; nil if the machine does not support the set.
    ///
    /// - Parameters:
    ///   - kernels: The set of vector instructions.
    ///   - bytes: The maximum number of bytes to read at a time.
    init?(_ kernels: Kernels, readingAtMost bytes: Int) {
        guard let functions = unsafe sluice_bounds_named(kernels.name) else { return nil }
        unsafe self.functions = functions
        lanes = unsafe functions.pointee.lanes
        let count = max(Self.exponents, Self.wholeBlocks(bytes))
        unsafe values = Self.aligned(count)
        for index in unsafe values.indices { unsafe values[index] = Float(index % 100) / 10 - 5 }
        unsafe powers = Self.aligned(Self.exponents)
    }

    deinit {
        unsafe values.deallocate()
        unsafe powers.deallocate()
    }

    private static func aligned(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
        let bytes = count * MemoryLayout<Float>.stride
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        return unsafe memory.initializeMemory(as: Float.self, repeating: 0)
    }

    private static func wholeBlocks(_ bytes: Int) -> Int {
        (bytes / MemoryLayout<Float>.stride + block - 1) / block * block
    }

    /// Runs multiply-adds. Returns their number, and the time in seconds.
    func multiplyAdds(rounds: Int) -> (count: Double, seconds: Double) {
        let seconds = seconds { sum += unsafe functions.pointee.multiply_add(rounds) }
        return (Double(rounds * Int(SLUICE_BOUNDS_CHAINS) * lanes), seconds)
    }

    /// Evaluates exponentials. Returns their number, and the time in seconds.
    func exponentials(repetitions: Int) -> (count: Double, seconds: Double) {
        let seconds = seconds {
            for _ in 0..<repetitions {
                sum += unsafe functions.pointee.exponential(powers.baseAddress, values.baseAddress, Self.exponents)
            }
        }
        return (Double(repetitions * Self.exponents), seconds)
    }

    /// Returns the time per multiply-add in a dependent chain, in nanoseconds.
    func multiplyAddLatency(rounds: Int) -> Double {
        seconds { sum += unsafe functions.pointee.multiply_add_chain(rounds) } * 1e9 / Double(rounds)
    }

    /// Returns the time per evaluation of 1 / (1 + e^-x) in a dependent chain, in nanoseconds.
    func logisticLatency(rounds: Int) -> Double {
        seconds { sum += unsafe functions.pointee.logistic_chain(rounds) } * 1e9 / Double(rounds)
    }

    /// Returns the mean time to read `bytes` bytes once, in seconds. After repeated reads, the bytes come from the
    /// nearest cache that holds them all.
    func secondsToRead(bytes: Int, repetitions: Int) -> Double {
        let count = Self.wholeBlocks(bytes)
        let seconds = seconds { sum += unsafe functions.pointee.read(values.baseAddress, count, repetitions) }
        return seconds / Double(repetitions)
    }

    private func seconds(_ work: () -> Void) -> Double {
        let start = ThreadClock.seconds
        work()
        return ThreadClock.seconds - start
    }
}

/// The time that this thread has spent on a core. Other load on the machine does not count.
enum ThreadClock {
    static var seconds: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
