#if Cluster
import Glibc
import Testing

/// Waits until a condition holds.
func wait(_ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "the condition does not hold in time")
        usleep(1_000)
    }
}
#endif
