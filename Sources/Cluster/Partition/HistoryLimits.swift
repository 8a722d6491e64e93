/// The limits of the histories that a node keeps of a partition's streams. A history is not part of the log's state: it
/// begins with the take-over.
package struct HistoryLimits: Equatable, Sendable {
    /// The number of decisions to keep for each stream; 0 for none.
    package let points: Int
    /// The maximum size of all histories of the partition in bytes.
    package let bytes: Int

    /// No histories.
    package static let none = HistoryLimits(points: 0, bytes: 0)

    /// Creates limits. Each parameter sets the property of the same name.
    package init(points: Int, bytes: Int) {
        self.points = points
        self.bytes = bytes
    }
}
