import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The live page` {
    private static let json = ["Content-Type": "application/json"]

    private func call(
        _ method: String, _ params: String = "{}", _ headers: [String: String] = json, on daemon: DaemonProcess
    ) throws -> HTTPReply {
        try HTTPReply(
            "POST", "/api/call", at: daemon.http, headers, body: #"{"method": "\#(method)", "params": \#(params)}"#)
    }

    @Test func `the page and its parts are in the program, and each forbids everything but this server`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let page = try HTTPReply("GET", "/", at: daemon.http)

        #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8")
        #expect(page.body.hasPrefix("<!doctype html>"))
        let parts = page.body.matches(of: #/(?:href|src)="([^"]+)"/#).map { String($0.1) }
        #expect(parts.contains { $0.hasSuffix("page.css") } && parts.contains { $0.hasSuffix("daemon.js") })
        for part in parts where !part.hasPrefix("data:") && !part.hasPrefix("#") {
            let reply = try HTTPReply("GET", part.hasPrefix("/") ? part : "/\(part)", at: daemon.http)
            #expect(reply.status == 200, "\(part)")
            let policy = try #require(reply.headers["content-security-policy"])
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self';"))
            #expect(reply.headers["x-frame-options"] == "DENY" && reply.headers["cache-control"] == "no-store")
        }
    }

    @Test func `events show the status at once, and then every second`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let reader = try EventReader(daemon)
        #expect(reader.head.hasPrefix("HTTP/1.1 200") && reader.head.lowercased().contains("text/event-stream"))
        let first = try reader.nextStatus()
        let second = try reader.nextStatus()
        let peer = try Peer(daemon)
        _ = try peer.decide("s1", values(9))
        let last = try #require(
            try eventually { () -> StatusEvent? in
                let event = try reader.nextStatus()
                return event.status.decisions == 9 ? event : nil
            })

        let status = try peer.status()
        #expect(last.instance == status.instance && last.status.models == status.models)
        #expect(last.models.map(\.fingerprint) == status.models.map(\.fingerprint))
        #expect(last.models.map { $0.labels.values.reduce(0, +) } == [9])
        #expect(last.models.map { $0.probabilities?.reduce(0, +) } == [9])
        let latency = try #require(last.latency)
        #expect(latency.counts.last == 9 && latency.bounds.count == latency.counts.count - 1)
        #expect(abs(first.time - Date.now.timeIntervalSince1970) < 60)
        #expect(second.time - first.time > 0.9)
    }

    @Test func `a page calls the reporting methods, with the same answers as the control socket`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let peer = try Peer(daemon)
        _ = try peer.decide("<img src=x>", values(3))

        let stream = try call("stream", #"{"stream": "<img src=x>"}"#, on: daemon)
        let unknown = try call("stream", #"{"stream": "s2"}"#, on: daemon)

        #expect(stream.status == 200 && stream.headers["content-type"] == "application/json")
        let reply = try JSONDecoder().decode(ControlReply<StreamStatus>.self, from: Data(stream.body.utf8))
        #expect(try reply.outcome.get().sequence == 3)
        let refusal = try JSONDecoder().decode(ControlReply<StreamStatus>.self, from: Data(unknown.body.utf8))
        guard case .failure(let error) = refusal.outcome else { throw POSIXError(.EINVAL) }
        #expect(error.code == .noSuchStream)
    }

    @Test func `requests of other sites, forms and forbidden methods are refused`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let json = Self.json
        let own = json.merging(["Origin": "http://\(daemon.http)", "Sec-Fetch-Site": "same-origin"]) { $1 }
        let cases: [(headers: [String: String], status: Int)] = [
            (own, 200), (json.merging(["Origin": "http://example.org"]) { $1 }, 403),
            (json.merging(["Origin": "null"]) { $1 }, 403),
            (json.merging(["Sec-Fetch-Site": "cross-site"]) { $1 }, 403),
            (json.merging(["Sec-Fetch-Site": "same-site"]) { $1 }, 403),
            (["Content-Type": "text/plain"], 415), ([:], 415),
            (["Content-Type": "application/json; charset=utf-8"], 200),
        ]
        for (headers, status) in cases {
            #expect(try call("status", "{}", headers, on: daemon).status == status, "\(headers)")
        }
        for method in ["shutdown", "remove", "reset", "no such method"] {
            #expect(try call(method, #"{"all": true}"#, on: daemon).status == 403, "\(method)")
        }
        for body in ["", "{", "[]", #"{"method": 1}"#, #"{"method": "status", "id": 1}"#] {
            #expect(try HTTPReply("POST", "/api/call", at: daemon.http, json, body: body).status == 400, "\(body)")
        }
        let large = String(repeating: " ", count: 16_384)
        #expect(try HTTPReply("POST", "/api/call", at: daemon.http, json, body: large).status == 400)
        #expect(try HTTPReply("POST", "/api/call", at: daemon.http, json, body: large + " ").status == 413)
        #expect(try HTTPReply("POST", "/api/call", at: daemon.http, json).status == 411)
        let chunked = json.merging(["Transfer-Encoding": "chunked"]) { $1 }
        #expect(try HTTPReply("POST", "/api/call", at: daemon.http, chunked).status == 411)
        #expect(try HTTPReply("GET", "/api/call", at: daemon.http).headers["allow"] == "POST")
        for query in ["?every=0", "?every=61", "?every=x"] {
            #expect(try HTTPReply("GET", "/api/events\(query)", at: daemon.http).status == 400, "\(query)")
        }
        #expect(try HTTPReply("GET", "/api/events", at: daemon.http, ["Sec-Fetch-Site": "cross-site"]).status == 403)
    }

    @Test func `at most 64 pages are open at once, and a closed one makes room`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        var readers = try (0..<64).map { _ in try EventReader(daemon, "?every=60") }
        #expect(try HTTPReply("GET", "/api/events", at: daemon.http).status == 503)
        #expect(try HTTPReply("GET", "/healthz", at: daemon.http).status == 200)
        readers.removeLast()
        _ = try eventually { () -> EventReader? in
            let reader = try EventReader(daemon)
            return reader.head.hasPrefix("HTTP/1.1 200") ? reader : nil
        }
        for reader in readers { #expect(reader.next()?.name == "status") }
    }
}
