import CSodium

/// libsodium's SHA-256 (<https://doc.libsodium.org/advanced/sha-2_hash_function>).
package struct SHA256 {
    private var state = crypto_hash_sha256_state()

    /// Begins a hash.
    package init() {
        precondition(sodium_init() >= 0, "libsodium cannot be initialised")
        _ = unsafe crypto_hash_sha256_init(&state)
    }

    /// Adds bytes to the input.
    package mutating func update(_ bytes: [UInt8]) {
        _ = unsafe crypto_hash_sha256_update(&state, bytes, UInt64(bytes.count))
    }

    /// Adds bytes to the input.
    package mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            _ = unsafe crypto_hash_sha256_update(
                &state, start.assumingMemoryBound(to: UInt8.self), UInt64(buffer.count))
        }
    }

    /// Returns the 32 bytes of the hash. The hash accepts no more input afterwards.
    package mutating func digest() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        _ = unsafe crypto_hash_sha256_final(&state, &digest)
        return digest
    }
}
