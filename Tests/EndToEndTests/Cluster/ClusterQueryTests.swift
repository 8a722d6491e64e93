#if Cluster
import Client
import TestSupport
import Testing
import Wire

/// Tests questions about streams that different nodes own.
@Suite struct `A question to a node of a cluster` {
    private let ids = (0..<30).map { "stream-\($0 % 3)-\($0)" }

    /// Feeds all streams of a peer, and waits for the decisions.
    private func feed(_ peer: Peer) throws {
        for (number, id) in ids.enumerated() { _ = try peer.decide(id, values(3 + number % 5, seed: number)) }
    }

    /// The parts of a status that do not depend on the clock.
    private func facts(_ status: StreamStatus) -> StreamStatus {
        var status = status
        status.idleSeconds = 0
        return status
    }

    private func facts(_ page: StreamPage<StreamStatus>) -> StreamPage<StreamStatus> {
        StreamPage(streams: page.streams.map(facts), next: page.next)
    }

    @Test func `every node answers about all streams as a single daemon does`() throws {
        let cluster = try TestCluster([model2])
        let single = try Peer(try DaemonProcess([model2]))
        try feed(single)
        try feed(try Peer(cluster.nodes[0]))
        for node in cluster.nodes.indices {
            let control = try cluster.control(node)
            for (prefix, limit) in [(nil, 1000), (nil, 7), ("stream-1", 3), ("none", 5)] as [(String?, Int)] {
                var after: String?
                repeat {
                    let call = ControlCall.streams(prefix: prefix, after: after, limit: limit)
                    let page = try control.call(call)
                    #expect(facts(page) == facts(try single.control.call(call)))
                    after = page.next
                } while after != nil
            }
            let named = ControlCall.namedStreams(["unknown"] + ids.reversed())
            #expect(facts(try control.call(named)) == facts(try single.control.call(named)))
            for id in ids {
                #expect(facts(try control.call(.stream(id))) == facts(try single.control.call(.stream(id))))
                var export = try control.call(.export(id))
                let expected = try single.control.call(.export(id))
                export.time = expected.time
                #expect(export == expected)
            }
            let (status, expected) = (try control.call(.status), try single.status())
            #expect(status.streams == expected.streams && status.decisions == expected.decisions)
            #expect(status.timesteps == expected.timesteps && status.models == expected.models)
            #expect(status.endpoints.control == cluster.nodes[node].control)
        }
    }

    /// The parts of a history that depend neither on the clock nor on the order of the slots.
    private func facts(_ answer: HistoryAnswer) -> [StreamHistory] {
        answer.streams.map { stream in
            var stream = stream
            stream.idleSeconds = 0
            stream.times = stream.times.map { _ in 0 }
            stream.marks = stream.marks.map { HistoryMark(time: 0, kind: $0.kind) }
            return stream
        }
    }

    @Test func `every node tells the last decisions of streams as a single daemon does`() throws {
        let arguments = [model2, "--history", "6"]
        let cluster = try TestCluster(arguments)
        let single = try Peer(try DaemonProcess(arguments))
        let peer = try Peer(cluster.nodes[0])
        for peer in [single, peer] {
            try feed(peer)
            _ = try peer.control.call(.reset(.stream(ids[7])))
            _ = try peer.decide(ids[7], values(2))
        }
        let named = ControlCall.history(HistoryRequest(.named(["unknown"] + ids.reversed())))
        let recent = ControlCall.history(HistoryRequest(.recent(5, search: "stream-1", model: "model2"), points: 3))
        for node in cluster.nodes.indices {
            let control = try cluster.control(node)
            #expect(try facts(control.call(named)) == facts(single.control.call(named)))
            let answer = try control.call(recent)
            #expect(facts(answer) == facts(try single.control.call(recent)))
            #expect(answer.points == 6 && answer.held == ids.count && answer.streams[0].stream == ids[7])
            #expect(throws: ClientError.self) {
                try control.call(.history(HistoryRequest(.recent(5, search: nil, model: "other"))))
            }
        }
        #expect(try cluster.sluice(["stream", ids[7]]).output.contains("reset"))
    }

    @Test func `the tool shows streams, and moves them between a cluster and a single daemon`() throws {
        let cluster = try TestCluster([model2])
        let peer = try Peer(cluster.nodes[1])
        _ = try peer.decide("s", values(20))
        #expect(try cluster.sluice(["streams"]).output.contains("s "))
        #expect(try cluster.sluice(["status"]).output.contains("in NATS, node n1 of a cluster"))
        #expect(try cluster.sluice(["export", "unknown"]).status == 66)
        let exported = try cluster.sluice(["export", "s"])
        #expect(exported.status == 0)
        let next = try peer.decide("s", values(10, seed: 2))

        let single = try DaemonProcess([model2])
        let there = try FinishedProgram(
            "sluice", ["import", "--control", connecting(single.control)], input: exported.output)
        #expect(there.status == 0)
        #expect(try Peer(single).decide("s", values(10, seed: 2)).bits == next.bits)

        #expect(try cluster.sluice(["import"], input: exported.output).status == 64, "it is there already")
        #expect(try cluster.sluice(["import", "--as", "fork"], input: exported.output).status == 0)
        #expect(try peer.decide("fork", values(10, seed: 2)).bits == next.bits)
        #expect(try cluster.sluice(["remove", "fork"]).status == 0)
        #expect(try cluster.sluice(["remove", "fork"]).status == 66)
    }

    @Test func `a question is answered while its partition moves to another owner`() throws {
        let cluster = try TestCluster([model2])
        let peer = try Peer(cluster.nodes[0])
        _ = try peer.decide("s", values(20))
        _ = try peer.decide("t", values(20, seed: 2))
        let before = ["s", "t"].map { id in try? cluster.control(0).call(.export(id)) }
        let killed = try cluster.killOwner(of: "s")
        let control = try cluster.control(1 - killed)
        #expect(try control.call(.export("s")) == before[0])
        #expect(try control.call(.export("t")) == before[1])
    }

    @Test func `a question about a partition without an owner is refused with the partition's number`() throws {
        let cluster = try TestCluster([model2], nodes: 1, partitions: 1)
        #expect(cluster.nodes[0].stop() == 0)
        try cluster.start([Fixtures.url("reference/model1.keras").path, "--mode", "stateful"])
        let control = try cluster.control(1)
        for command in [ControlCommand.status, .stream("s")] {
            let error = #expect(throws: ClientError.self) { try control.call(command, as: JSONValue.self) }
            #expect(error?.status == .temporary)
            #expect(error?.message.contains("no node serves partition 0") == true, "\(String(describing: error))")
        }
    }

    @Test func `an idle stream is forgotten`() throws {
        let cluster = try TestCluster([model2, "--forget-after", "2"], partitions: 2)
        let peer = try Peer(cluster.nodes[0])
        _ = try peer.decide("s", values(3))
        let gone: Bool? = try eventually { try peer.status().streams == 0 ? true : nil }
        #expect(gone == true)
        #expect(try peer.decide("s", values(1))[0].sequence == 1)
    }

    @Test func `requests that a cluster cannot carry out are refused with the reason`() throws {
        let cluster = try TestCluster([model2], nodes: 1, partitions: 1)
        for (arguments, reason) in [
            (["pause", "--all"], "hold up the log"), (["resume", "--all"], "hold up the log"),
            (["checkpoint"], "each partition writes checkpoints itself"),
        ] {
            let refused = try cluster.sluice(arguments)
            #expect(refused.status == 1 && refused.errorOutput.contains(reason), "\(refused.errorOutput)")
        }
    }
}
#endif
