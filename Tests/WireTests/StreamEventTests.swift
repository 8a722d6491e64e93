import Foundation
import Testing
import Wire

/// Tests the wire format of events.
@Suite struct `An event of a stream` {
    static let events: [StreamEvent] = {
        var events = StreamEvent.Kind.allCases.map { StreamEvent($0, .stream("s"), time: 1) }
        events += ["", "é流😀", "a\"b\\c/d", "\u{0}\u{1F}\n\t", "\u{7F}\u{85}\u{2028}"].map {
            StreamEvent(.reset, .prefix($0), count: .max, time: .min)
        }
        events.append(StreamEvent(.removed, .all, count: 0, time: .max))
        var event = StreamEvent(.quarantined, .stream("q"), time: 2)
        event.sequence = .max
        event.to = "checkpoint"
        events.append(event)
        event = StreamEvent(.reloaded, nil, count: 7, time: 3)
        event.model = "m\"m"
        event.fingerprint = "f"
        event.carried = 5
        event.snapshot = "n\\"
        events.append(event)
        return events
    }()

    @Test(arguments: events)
    func `a written event is read as the same event`(event: StreamEvent) throws {
        let bytes = Data(event.json)
        #expect(try JSONDecoder().decode(StreamEvent.self, from: bytes) == event)
        #expect(try JSONDecoder().decode(JSONValue.self, from: bytes) == written(event))
    }
}
