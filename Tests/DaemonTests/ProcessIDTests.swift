import CProcessID
import Foundation
import Testing

/// The id that the daemon keeps.
struct ProcessIDTests {
    private typealias Fork = @convention(c) () -> pid_t

    @Test func `a process that was forked knows its own id, and its parent still knows its own`() {
        let parent = CProcessID.getpid()
        #expect(parent == ProcessInfo.processInfo.processIdentifier)
        // Swift does not let one fork; the child does nothing but compare.
        guard let symbol = unsafe dlsym(nil, "fork") else {
            Issue.record("there is no fork")
            return
        }
        let fork = unsafe unsafeBitCast(symbol, to: Fork.self)
        let child = fork()
        if child == 0 { _exit(CProcessID.getpid() == parent ? 1 : 0) }
        #expect(child > 0)
        var status: CInt = -1
        let ended = unsafe waitpid(child, &status, 0)
        #expect(ended == child && status == 0)
        #expect(CProcessID.getpid() == parent)
    }
}
