#if Cluster
import Cluster
import NATS
import Testing
import Wire

@testable import Daemon

@Suite struct `The beginning of a log` {
    private let server: ClusterServer
    private let beginning: LogBeginning

    init() throws {
        server = try ClusterServer(partitions: 1)
        beginning = LogBeginning(
            record: ServeOffer(models: try TestNode().models, maximumStreams: 10).record,
            connection: server.connection, patience: 10_000)
    }

    private func records() throws -> [ServeRecord?] {
        try server.payloads(of: ClusterNames.log(0)).map { payload in
            let bytes = unsafe payload.span.bytes
            guard case .control(let json) = try LogMessage(bytes) else { return nil }
            return try JSONBytes.decode(ControlRecord.self, from: bytes.extracting(json)).serve
        }
    }

    @Test func `the first node writes one record, and the next node none`() throws {
        #expect(try beginning.write(0).lastSequence == 0)
        #expect(try beginning.write(0).lastSequence == 1)
        #expect(try records().count == 1 && records()[0]?.models.count == 1)
    }

    @Test func `a node writes the record also after a producer that was too early`() throws {
        var timesteps = LogMessageBuilder()
        let value: [Float] = [1]
        timesteps.append(id: Array("s".utf8).span, header: nil, payload: unsafe value.span.bytes)
        for _ in 0..<3 { try server.publish(timesteps.bytes, to: ClusterNames.logSubject(0)) }
        try beginning.write(0)
        try beginning.write(0)
        #expect(try records().map { $0 != nil } == [false, false, false, true])
    }

    @Test func `a log whose beginning a checkpoint has removed gets no record`() throws {
        try beginning.write(0)
        try server.publish(LogMessage.control(json: Array("{}".utf8)), to: ClusterNames.logSubject(0))
        _ = try server.ask(JetStream.purge(ClusterNames.log(0), before: 2))
        try beginning.write(0)
        #expect(try server.state(of: ClusterNames.log(0)).lastSequence == 2)
    }
}
#endif
