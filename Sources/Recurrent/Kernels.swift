/// `sums += Σⱼ input[j] · matrix[j, ·]`: a row vector times a matrix, added to `sums`.
///
/// The order of the additions is fixed (row after row, each element of `sums` on its own), so the result is the same
/// bit for bit wherever it runs, and the inner loop runs over neighbours in memory.
///
/// - Parameters:
///   - sums: Shape (columns).
///   - input: Shape (rows).
///   - rows: The length of `input`.
///   - matrix: Shape (rows, columns), row-major.
///   - columns: The length of `sums`.
@inline(__always)
func accumulate(
    _ sums: UnsafeMutablePointer<Float>, input: UnsafePointer<Float>, rows: Int,
    matrix: UnsafePointer<Float>, columns: Int
) {
    for j in 0..<rows {
        let x = unsafe input[j]
        let row = unsafe matrix + j * columns
        for k in 0..<columns {
            unsafe sums[k] += x * row[k]
        }
    }
}
