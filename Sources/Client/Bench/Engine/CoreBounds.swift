import CBounds
import Glibc
import Recurrent

/// What one core does at best with one set of vector instructions: the most that was seen of each. The engine cannot be faster.
public struct CoreBounds: Encodable, Equatable, Sendable {
    /// The set's name, as the engine's kernels have it.
    public let kernels: String
    /// Multiply-adds of float32 a second, fused where the machine can.
    public private(set) var multiplyAddsPerSecond = 0.0
    /// e^x of float32 a second, from and to the L1 cache.
    public private(set) var exponentialsPerSecond = 0.0
    /// Bytes read a second from what fits the L2 cache and not the L1.
    public private(set) var readBytesPerSecond = 0.0
    /// Nanoseconds from a multiply-add to the next that needs its result.
    public private(set) var multiplyAddLatency = Double.infinity
    /// Nanoseconds from a 1 / (1 + e^-x) to the next that needs its result.
    public private(set) var logisticLatency = Double.infinity

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

    /// Takes over what another measurement of the same set has seen more of.
    mutating func improve(by other: CoreBounds) {
        multiplyAddsPerSecond = max(multiplyAddsPerSecond, other.multiplyAddsPerSecond)
        exponentialsPerSecond = max(exponentialsPerSecond, other.exponentialsPerSecond)
        readBytesPerSecond = max(readBytesPerSecond, other.readBytesPerSecond)
        multiplyAddLatency = min(multiplyAddLatency, other.multiplyAddLatency)
        logisticLatency = min(logisticLatency, other.logisticLatency)
    }

    /// Measures each of them once more, well under a millisecond each.
    mutating func measure(with loops: BoundLoops) {
        let multiplyAdds = loops.multiplyAdds(rounds: 20_000)
        multiplyAddsPerSecond = max(multiplyAddsPerSecond, multiplyAdds.count / multiplyAdds.seconds)
        let exponentials = loops.exponentials(repetitions: 500)
        exponentialsPerSecond = max(exponentialsPerSecond, exponentials.count / exponentials.seconds)
        multiplyAddLatency = min(multiplyAddLatency, loops.multiplyAddLatency(rounds: 50_000))
        logisticLatency = min(logisticLatency, loops.logisticLatency(rounds: 5_000))
        // A quarter of the smallest L2 cache that is common today.
        let bytes = 128 * 1024
        readBytesPerSecond = max(
            readBytesPerSecond, Double(bytes) / loops.secondsToRead(bytes: bytes, repetitions: 100))
    }
}

/// The loops behind ``CoreBounds``, and what they read and write.
///
/// One owner, one thread.
@safe
final class BoundLoops {
    private let functions: UnsafePointer<sluice_bounds>
    private let lanes: Int
    /// The argument of e^x, and what weights are read from: whole blocks of 8 of the widest vectors. On a cache line, as the
    /// engine's weights are: a vector that lies on two would be read at half the speed.
    private let values: UnsafeMutableBufferPointer<Float>
    private let powers: UnsafeMutableBufferPointer<Float>
    /// What the loops gave, so that none of them is for nothing.
    private var sum: Float = 0

    private static let exponents = 1024
    private static let block = 8 * 16

    /// The loops of a set that the machine can run; nil where there are none.
    ///
    /// - Parameters:
    ///   - kernels: The set.
    ///   - bytes: The most that is read at a time.
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

    /// How many multiply-adds were done in which time.
    func multiplyAdds(rounds: Int) -> (count: Double, seconds: Double) {
        let seconds = seconds { sum += unsafe functions.pointee.multiply_add(rounds) }
        return (Double(rounds * Int(SLUICE_BOUNDS_CHAINS) * lanes), seconds)
    }

    /// How many powers were computed in which time.
    func exponentials(repetitions: Int) -> (count: Double, seconds: Double) {
        let seconds = seconds {
            for _ in 0..<repetitions {
                sum += unsafe functions.pointee.exponential(powers.baseAddress, values.baseAddress, Self.exponents)
            }
        }
        return (Double(repetitions * Self.exponents), seconds)
    }

    /// Nanoseconds of one multiply-add in a chain.
    func multiplyAddLatency(rounds: Int) -> Double {
        seconds { sum += unsafe functions.pointee.multiply_add_chain(rounds) } * 1e9 / Double(rounds)
    }

    /// Nanoseconds of one 1 / (1 + e^-x) in a chain.
    func logisticLatency(rounds: Int) -> Double {
        seconds { sum += unsafe functions.pointee.logistic_chain(rounds) } * 1e9 / Double(rounds)
    }

    /// How long it takes to read so many bytes again and again from wherever they stay, once on average.
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

/// How long this thread has been running on a core: what others do on the machine meanwhile does not count.
enum ThreadClock {
    static var seconds: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
