import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `A daemon with model2` {
    static let files = ["reference/model2.keras", "reference/model2.h5"]
    static let sockets = ["@tcp://127.0.0.1:*", "pull:@tcp://127.0.0.1:*"]

    @Test(arguments: files, sockets)
    func `the daemon gives Keras' answers for all streams of model2.csv at once`(file: String, ingest: String) throws {
        let daemon = try DaemonProcess([Fixtures.url(file).path], ingest: [ingest])
        let peer = try Peer(daemon)
        let reference = try KerasAnswers("reference/model2.csv")
        #expect(reference.streams.count == 20)

        for step in 0..<24 {
            for stream in reference.streams { try peer.feed(stream.name, [stream.values[step]]) }
        }
        for stream in reference.streams {
            let decisions = try peer.decisions(of: stream.name, 24)
            #expect(decisions.map(\.sequence) == Array(1...24))
            #expect(decisions.map(\.step) == Array(1...24))
            for (decision, answer) in zip(decisions, stream.answers) {
                #expect(abs(decision.probabilities[0] - answer) <= tolerance)
                #expect(decision.label == (decision.probabilities[0] >= 0.5 ? 1 : 0))
            }
        }
        #expect(daemon.stop() == 0)
    }

    @Test(arguments: files)
    func `the daemon gives Keras' answers for a stream that is never reset`(file: String) throws {
        let daemon = try DaemonProcess([Fixtures.url(file).path])
        let peer = try Peer(daemon)
        let stream = try #require(try KerasAnswers("reference/model2_endless.csv").streams.first)
        #expect(stream.values.count == 480)

        let decisions = try peer.decide(stream.name, stream.values)
        for (decision, answer) in zip(decisions, stream.answers) {
            #expect(abs(decision.probabilities[0] - answer) <= tolerance)
        }
    }

    @Test func `the daemon gives Keras' answers over IPC sockets too`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2], ingest: ["@ipc://\(folder.path("ingest"))"])
        let peer = try Peer(daemon)
        let stream = try #require(try KerasAnswers("reference/model2.csv").streams.first)

        let decisions = try peer.decide(stream.name, stream.values)
        for (decision, answer) in zip(decisions, stream.answers) {
            #expect(abs(decision.probabilities[0] - answer) <= tolerance)
        }
    }
}
