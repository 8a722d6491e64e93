import HTTPServer
import Testing

/// Tests the notation of endpoints in flags and configuration files.
@Suite struct `An HTTP endpoint` {
    @Test(arguments: [
        ("127.0.0.1:5553", "127.0.0.1:5553"), ("0.0.0.0:80", "0.0.0.0:80"), ("[::1]:5553", "[::1]:5553"),
        ("[::]:1", "[::]:1"), ("localhost:9", "127.0.0.1:9"), ("127.0.0.1:*", "127.0.0.1:*"),
        ("127.0.0.1:0", "127.0.0.1:*"), ("off", "off"),
    ])
    func `a written endpoint can be read again`(text: String, written: String) throws {
        let endpoint = try #require(HTTPEndpoint(text))
        #expect("\(endpoint)" == written)
        #expect(HTTPEndpoint(written) == endpoint)
    }

    @Test(arguments: [
        "", "on", ":5553", "5553", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:http",
        "example.org:80", "::1:5553", "[127.0.0.1]:1", "[::1]", "[::1:1", "[]:1", "tcp://127.0.0.1:1", "256.0.0.1:1",
    ])
    func `a string that is not an endpoint is refused`(text: String) {
        #expect(HTTPEndpoint(text) == nil)
    }
}
