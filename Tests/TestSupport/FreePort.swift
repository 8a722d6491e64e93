import Glibc

/// Ports of this machine that nobody uses at the moment.
package enum FreePort {
    /// Returns different free ports.
    package static func reserve(_ count: Int) throws -> [UInt16] {
        // All sockets stay open until the last port is chosen, so that no port is chosen twice.
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        return (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            descriptors.append(descriptor)
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            unsafe withUnsafeMutablePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    _ = unsafe bind(descriptor, address, length)
                    _ = unsafe getsockname(descriptor, address, &length)
                }
            }
            return UInt16(bigEndian: name.sin_port)
        }
    }
}
