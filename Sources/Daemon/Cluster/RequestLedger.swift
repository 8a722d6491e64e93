#if Cluster
/// The requests of one thread that wait for their answers.
struct RequestLedger<Purpose> {
    private var purposes: [UInt64: Purpose] = [:]
    /// The deadlines in the order of the requests.
    private var deadlines: [(at: Int64, token: UInt64)] = []
    private var firstDeadline = 0

    /// Notes a request.
    ///
    /// - Parameters:
    ///   - token: The number of the request.
    ///   - purpose: What the answer is for.
    ///   - deadline: The time after which no answer is expected. Later requests have later deadlines.
    mutating func add(_ token: UInt64, _ purpose: Purpose, deadline: Int64) {
        purposes[token] = purpose
        deadlines.append((deadline, token))
    }

    /// Takes the purpose of an answer; nil if nobody waits for it.
    mutating func take(_ token: UInt64) -> Purpose? { purposes.removeValue(forKey: token) }

    /// Takes the purposes of the requests whose deadline is over.
    mutating func takeExpired(at now: Int64) -> [Purpose] {
        var expired: [Purpose] = []
        while firstDeadline < deadlines.count, deadlines[firstDeadline].at <= now {
            if let purpose = purposes.removeValue(forKey: deadlines[firstDeadline].token) { expired.append(purpose) }
            firstDeadline += 1
        }
        if firstDeadline > 1024 {
            deadlines.removeFirst(firstDeadline)
            firstDeadline = 0
        }
        return expired
    }
}
#endif
