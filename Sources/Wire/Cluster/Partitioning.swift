/// The division of streams among the partitions of a cluster.
package enum Partitioning {
    /// The maximum number of partitions.
    package static let maximum = 1024

    /// Computes the partition of a stream: FNV-1a32(id) mod `count`
    /// (<http://www.isthe.com/chongo/tech/comp/fnv/>). NATS' function `partition` in subject mappings computes the same
    /// number.
    ///
    /// - Parameters:
    ///   - id: The stream's id.
    ///   - count: The number of partitions, at least 1.
    /// - Returns: The partition, from 0.
    package static func partition(of id: Span<UInt8>, count: Int) -> Int {
        var hash: UInt32 = 2_166_136_261
        for index in id.indices {
            hash ^= UInt32(id[index])
            hash &*= 16_777_619
        }
        return Int(hash % UInt32(count))
    }
}
