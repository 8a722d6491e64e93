import Foundation
import Testing

/// A Unix datagram socket like the one that systemd opens for its services.
final class NotifySocket {
    private let descriptor: CInt

    /// Opens the socket.
    ///
    /// - Parameter path: The path of the socket, or an abstract name that begins with `@`.
    /// - Throws: An error if the socket cannot be opened.
    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = path.utf8.map { $0 == UInt8(ascii: "@") ? 0 : $0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path) + bytes.count
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(length))
            }
        }
        try #require(result == 0, "\(path): \(unsafe String(cString: strerror(errno)))")
    }

    deinit {
        close(descriptor)
    }

    /// Waits for the next datagram.
    ///
    /// - Parameter milliseconds: The maximum wait.
    /// - Returns: The text of the datagram; nil if none arrived.
    func next(within milliseconds: CInt = 30_000) -> String? {
        var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&event, 1, milliseconds) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
