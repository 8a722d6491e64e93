import Testing

@testable import HTTPServer

@Suite struct `The Host header` {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1:80", "127.0.0.1", true), ("[::1]:80", "::1", true),
        ("[2001:db8::1]", "2001:db8::1", true), ("LocalHost:", "localhost", false),
        ("a-b_c.Example.:1", "a-b_c.example", false),
    ])
    func `a host is read without its port`(text: String, name: String, isAddress: Bool) throws {
        let host = try #require(HTTPHost(text))
        #expect(host.name == name && host.isAddress == isAddress)
        #expect(host.isAccepted(besides: []) == (isAddress || name == "localhost"))
        #expect(host.isAccepted(besides: [name.uppercased()]))
    }

    @Test(arguments: [
        "", ":80", ".", "a..b", "a b", "a/b", "a@b", "ä.example", "[::1", "[a]", "[::1]a", "::1", "a:b", "a\0",
    ])
    func `a string that is not a host is refused`(text: String) {
        #expect(HTTPHost(text) == nil)
    }

    @Test(arguments: [
        ("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("0.0.0.0", false), ("::", false),
        ("10.0.0.1", false),
    ])
    func `only loopback addresses count as local`(text: String, isLocal: Bool) throws {
        #expect(HTTPEndpoint.address(text, port: 1).isLocal == isLocal)
    }
}
