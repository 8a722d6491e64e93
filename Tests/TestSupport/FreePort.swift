import Glibc
import Synchronization

/// Ports of this machine that nobody uses.
package enum FreePort {
    /// The ports below those that the system gives to sockets without a port of their own.
    private static let range: Range<UInt16> = 10_000..<32_768
    private static let reserved = Mutex<Set<UInt16>>([])

    /// Returns free ports. No port is returned twice in this process.
    ///
    /// - Parameter count: The number of ports.
    /// - Returns: Different ports.
    package static func reserve(_ count: Int) -> [UInt16] {
        reserved.withLock { reserved in
            (0..<count).map { _ in
                while true {
                    let port = UInt16.random(in: range)
                    if isFree(port), reserved.insert(port).inserted { return port }
                }
            }
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, length) == 0
            }
        }
    }
}
