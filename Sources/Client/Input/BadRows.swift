/// A record of the bad rows that were skipped in an input.
package struct BadRows: CustomStringConvertible {
    /// The number of bad rows.
    package private(set) var count = 0
    private var first = ""

    mutating func add(_ error: ClientError) {
        if count == 0 { first = error.message }
        count += 1
    }

    /// The number of bad rows, and the reason why the first one is bad.
    package var description: String {
        "\(Quantity.count(count, of: "wrong row")) skipped, the first: \(first)"
    }

    /// A remark at the end of a report; empty if no row was skipped.
    var note: String { count > 0 ? "; \(self)" : "" }
}
