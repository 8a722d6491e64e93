#if Cluster
import CCrypto
#else
import CSodium
#endif

/// SHA-256 (FIPS 180-4). Builds for clusters use OpenSSL's, which libnats needs too: it uses the processor's instructions,
/// and a take-over hashes all state. Other builds use libsodium's
/// (<https://doc.libsodium.org/advanced/sha-2_hash_function>).
package struct SHA256 {
    #if Cluster
    private var state = SHA256_CTX()
    #else
    private var state = crypto_hash_sha256_state()
    #endif

    /// Begins a hash.
    package init() {
        #if Cluster
        _ = unsafe SHA256_Init(&state)
        #else
        precondition(sodium_init() >= 0, "libsodium cannot be initialised")
        _ = unsafe crypto_hash_sha256_init(&state)
        #endif
    }

    /// Adds bytes to the input.
    package mutating func update(_ bytes: [UInt8]) {
        update(unsafe bytes.span.bytes)
    }

    /// Adds bytes to the input.
    package mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            #if Cluster
            _ = unsafe SHA256_Update(&state, start, buffer.count)
            #else
            _ = unsafe crypto_hash_sha256_update(
                &state, start.assumingMemoryBound(to: UInt8.self), UInt64(buffer.count))
            #endif
        }
    }

    /// Returns the 32 bytes of the hash. The hash accepts no more input afterwards.
    package mutating func digest() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        #if Cluster
        _ = unsafe SHA256_Final(&digest, &state)
        #else
        _ = unsafe crypto_hash_sha256_final(&state, &digest)
        #endif
        return digest
    }
}
