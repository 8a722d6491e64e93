#if Cluster
import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests other weights for the streams of a cluster.
@Suite struct `A reload in a cluster` {
    /// A model with the layers of model2, LSTM(10) → Dense(1), but other weights.
    private static let other = Fixtures.url("reference/model1.keras")
    /// A model with an LSTM(1), whose state has a different shape.
    private static let smaller = Fixtures.url("keras/smallest.keras")

    private let ids = (0..<12).map { "meter-\($0)" }
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Puts a file under the name of the served model in a folder of its own, and returns its path.
    private func put(_ url: URL, in name: String) throws -> String {
        try FileManager.default.createDirectory(at: folder.url(name), withIntermediateDirectories: true)
        try Data(contentsOf: url).write(to: folder.url("\(name)/m.keras"), options: .atomic)
        return folder.path("\(name)/m.keras")
    }

    private func feed(_ peer: Peer, seed: Int) throws -> [[[UInt64]]] {
        try ids.enumerated().map { number, id in try peer.decide(id, values(5, seed: seed + number)).bits }
    }

    @Test func `nodes without the new weights read them from NATS, and decide as a single daemon`() throws {
        let file = try put(URL(filePath: model2), in: "first")
        let unchanged = try put(URL(filePath: model2), in: "others")
        let single = try Peer(try DaemonProcess([file, "--mode", "stateful"]))
        let cluster = try TestCluster([unchanged, "--mode", "stateful"], nodes: 1)
        try cluster.start([file, "--mode", "stateful"])
        try cluster.waitUntilServed(by: 2)
        let peer = try Peer(cluster.nodes[0])
        #expect(try feed(peer, seed: 1) == feed(single, seed: 1))

        _ = try put(Self.other, in: "first")
        let reload = ControlCall.reload(model: "m", reset: false)
        let expected = try single.control.call(reload)
        #expect(try cluster.control(1).call(reload) == expected)
        #expect(try feed(peer, seed: 50) == feed(single, seed: 50))
        #expect(try peer.status().models[0].fingerprint == expected.fingerprint)

        // The node with the old file takes over the other's partitions, and a new node with the old file joins.
        cluster.nodes[1].kill()
        #expect(try feed(peer, seed: 100) == feed(single, seed: 100))
        try cluster.start()
        try cluster.waitUntilServed(by: 2)
        #expect(try feed(peer, seed: 150) == feed(single, seed: 150))
    }

    @Test func `weights of another shape are refused by all partitions`() throws {
        let file = try put(URL(filePath: model2), in: "first")
        let cluster = try TestCluster([file, "--mode", "stateful"], nodes: 1)
        let peer = try Peer(cluster.nodes[0])
        let undisturbed = try Peer(try DaemonProcess([model2]))
        #expect(try peer.decide("s", values(5)).bits == undisturbed.decide("s", values(5)).bits)
        _ = try put(Self.smaller, in: "first")
        let error = #expect(throws: ClientError.self) { try peer.control.call(.reload(model: "m", reset: false)) }
        #expect(error?.status == .refused && error?.message.contains("lstm 20") == true, "\(String(describing: error))")
        try Data("no model".utf8).write(to: URL(filePath: file))
        #expect(try cluster.sluice(["reload", "m"]).status == 65)
        #expect(try peer.decide("s", values(5, seed: 2)).bits == undisturbed.decide("s", values(5, seed: 2)).bits)
    }
}
#endif
