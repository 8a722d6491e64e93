import TestSupport

extension [UInt8] {
    /// Damages the header of a safetensors file and, in most cases, corrects the header's length.
    mutating func mutateHeader(using random: inout some RandomNumberGenerator) {
        let length = prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        var header = Array(self[8..<8 + length])
        header.mutateText(using: &random)
        let claimed = Int.random(in: 0..<8, using: &random) == 0 ? length : header.count
        self = (0..<8).map { UInt8(truncatingIfNeeded: claimed >> (8 * $0)) } + header + self[(8 + length)...]
    }
}
