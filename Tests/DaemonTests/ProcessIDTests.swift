import CProcessID
import Foundation
import Testing

/// Tests of the id that the daemon caches.
@Suite struct `The process id` {
    private typealias Fork = @convention(c) () -> pid_t

    @Test func `a forked process knows its own id, and so does its parent`() {
        let parent = CProcessID.getpid()
        #expect(parent == ProcessInfo.processInfo.processIdentifier)
        // Swift has no `fork`, so it is looked up. The child only compares the ids.
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
