import Testing
import ZeroMQ

/// Tests the notation of endpoints.
@Suite struct `An endpoint` {
    static let good: [(String, Endpoint.Attachment?, String)] = [
        ("@tcp://127.0.0.1:5550", .bind, "tcp://127.0.0.1:5550"),
        (">tcp://127.0.0.1:5550", .connect, "tcp://127.0.0.1:5550"),
        ("tcp://127.0.0.1:5550", nil, "tcp://127.0.0.1:5550"),
        ("@tcp://*:*", .bind, "tcp://*:*"),
        ("@tcp://127.0.0.1:!", .bind, "tcp://127.0.0.1:!"),
        ("tcp://[::1]:5550", nil, "tcp://[::1]:5550"),
        (">tcp://host.example:65535", .connect, "tcp://host.example:65535"),
        ("@ipc:///run/sluice/a", .bind, "ipc:///run/sluice/a"),
        ("ipc://relative", nil, "ipc://relative"),
        (">inproc://a", .connect, "inproc://a"),
    ]

    @Test(arguments: good)
    func `an endpoint is written in the same notation in which it was read`(
        text: String, attachment: Endpoint.Attachment?, address: String
    ) throws {
        let endpoint = try Endpoint(text)
        #expect(endpoint == Endpoint(attachment, address))
        #expect(endpoint.description == text)
    }

    static let bad = [
        "", "@", ">", "tcp://", "@tcp://", "ipc://", "inproc://", "tcp:/127.0.0.1:1", "http://127.0.0.1:1",
        "127.0.0.1:5550", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://:5550", "tcp://127.0.0.1:port",
        "tcp://127.0.0.1:65536", "tcp://127.0.0.1:-1", "tcp://[::1]", "@@tcp://127.0.0.1:1", "@>tcp://127.0.0.1:1",
        " tcp://127.0.0.1:1", "TCP://127.0.0.1:1", "pull:tcp://127.0.0.1:1",
    ]

    @Test(arguments: bad)
    func `a string that is not an endpoint is refused, and the error shows the notation`(text: String) throws {
        let error = try #require(throws: EndpointError.self) { try Endpoint(text) }
        #expect(error.text == text)
        #expect(error.description.contains("'\(text)'"))
        #expect(error.expected.contains("tcp://"))
    }

    @Test(arguments: [
        ("tpc://127.0.0.1:1", "tcp://127.0.0.1:1"), ("@TCP://a:1", "@tcp://a:1"), ("localhost:1", "tcp://localhost:1"),
        (">5552", ">tcp://127.0.0.1:5552"), ("tcp:/a:1", "tcp://a:1"), ("ipc:/run/a", "ipc:///run/a"),
        ("@/run/a", "@ipc:///run/a"), ("http://a:1", nil), ("here", nil), ("@@tcp://a:1", "@tcp://a:1"),
    ])
    func `an error suggests the endpoint that was probably meant`(text: String, suggestion: String?) throws {
        let error = try #require(throws: EndpointError.self) { try Endpoint(text) }
        #expect(error.suggestion == suggestion)
        let ingest = try #require(throws: EndpointError.self) { try IngestEndpoint("pull:" + text) }
        #expect(ingest.suggestion == suggestion.map { "pull:" + $0 })
        #expect(ingest.text == "pull:" + text)
    }

    static let ingest: [(String, IngestEndpoint.Kind, String, String)] = [
        ("@tcp://127.0.0.1:1", .sub, "@tcp://127.0.0.1:1", "@tcp://127.0.0.1:1"),
        ("sub:>tcp://127.0.0.1:1", .sub, ">tcp://127.0.0.1:1", ">tcp://127.0.0.1:1"),
        ("pull:@ipc:///run/a", .pull, "@ipc:///run/a", "pull:@ipc:///run/a"),
        ("pull:inproc://a", .pull, "inproc://a", "pull:inproc://a"),
    ]

    @Test(arguments: ingest)
    func `an ingest endpoint is SUB unless it has the prefix pull`(
        text: String, kind: IngestEndpoint.Kind, endpoint: String, written: String
    ) throws {
        let ingest = try IngestEndpoint(text)
        #expect(ingest == IngestEndpoint(kind, try Endpoint(endpoint)))
        #expect(ingest.description == written)
    }

    @Test(arguments: [
        "pull:", "sub:", "pull:pull:@tcp://127.0.0.1:1", "push:@tcp://127.0.0.1:1", "@pull:tcp://a:1", "",
    ])
    func `an ingest endpoint with another prefix is refused`(text: String) {
        #expect(throws: EndpointError.self) { try IngestEndpoint(text) }
    }
}
