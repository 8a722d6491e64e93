public import ZeroMQ

/// An endpoint with the name of a codec in front, as in `batch:@tcp://127.0.0.1:5550`. The codec may be left out.
public struct CodedEndpoint<Codec: RawRepresentable<String> & CaseIterable, Place> {
    /// The codec; nil if it is left out.
    public let codec: Codec?
    /// The endpoint.
    public let endpoint: Place

    /// Reads an endpoint.
    ///
    /// - Parameters:
    ///   - text: The endpoint, with or without a codec.
    ///   - read: Reads the text after the codec.
    /// - Throws: `EndpointError` if the text is not an endpoint.
    public init(_ text: String, read: (String) throws(EndpointError) -> Place) throws(EndpointError) {
        for codec in Codec.allCases {
            let prefix = "\(codec.rawValue):"
            guard text.hasPrefix(prefix) else { continue }
            do throws(EndpointError) {
                endpoint = try read(String(text.dropFirst(prefix.count)))
                self.codec = codec
                return
            } catch {
                throw error.prefixed(by: prefix)
            }
        }
        codec = nil
        endpoint = try read(text)
    }
}

extension CodedEndpoint: Sendable where Codec: Sendable, Place: Sendable {}
