#if Cluster
import NATS
import Testing

/// Tests reading bytes that nats-server 2.15.1 and 2.9.10 really sent.
@Suite struct `An answer of JetStream` {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `confirms a message`() throws {
        #expect(
            try PublishAcknowledgement(bytes(#"{"stream":"IN_7","seq":18446744073709551615}"#).span).sequence == .max)
        let duplicate = bytes(#"{"stream":"IN_7","domain":"hub","seq":3,"duplicate": true}"#)
        #expect(try PublishAcknowledgement(duplicate.span).isDuplicate)
    }

    static let refusals: [(String, JetStreamError)] = [
        (
            #"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 2"},"stream":"S","seq":0}"#,
            JetStreamError(status: 400, code: 10071, problem: "wrong last sequence: 2")
        ),
        (
            #"{"type":"io.nats.jetstream.api.v1.stream_info_response","error":{"code":404,"err_code":10059,"#
                + #""description":"stream not found"},"total":0,"offset":0,"limit":0}"#,
            JetStreamError(status: 404, code: 10059, problem: "stream not found")
        ),
        ("", JetStreamError(status: 0, code: 0, problem: "an answer is not a confirmation")),
        ("+OK", JetStreamError(status: 0, code: 0, problem: "an answer is not a confirmation")),
        (#"{"stream":"S"}"#, JetStreamError(status: 0, code: 0, problem: "an answer is not a confirmation")),
        (#"{"stream":"S","seq":-1}"#, JetStreamError(status: 0, code: 0, problem: "an answer is not a confirmation")),
        (#"{"stream":7,"seq":1}"#, JetStreamError(status: 0, code: 0, problem: "an answer is not a confirmation")),
    ]

    @Test(arguments: refusals)
    func `is refused with JetStream's numbers, or if it is another answer`(text: String, error: JetStreamError) {
        #expect(throws: error) { try PublishAcknowledgement(bytes(text).span) }
    }

    @Test func `is a wrong last sequence under both numbers`() {
        let codes = [10071, 10164, 10070, 10077]
        let errors = codes.map { JetStreamError(status: 400, code: $0, problem: "wrong last sequence") }
        #expect(errors.map(\.isWrongLastSequence) == [true, true, false, false])
    }

    static let places: [(String, Delivery?)] = [
        (
            "$JS.ACK.IN_7.c.1.12.3.1764443893496130386.4",
            Delivery(
                stream: "IN_7", consumer: "c", sequence: 12, consumerSequence: 3, time: 1_764_443_893_496_130_386,
                pendingCount: 4)
        ),
        (
            "$JS.ACK._.ACC.IN_7.c.1.12.3.5.4.token",
            Delivery(stream: "IN_7", consumer: "c", sequence: 12, consumerSequence: 3, time: 5, pendingCount: 4)
        ),
        (
            "$JS.ACK.hub.ACC.IN_7.c.1.12.3.5.0",
            Delivery(stream: "IN_7", consumer: "c", sequence: 12, consumerSequence: 3, time: 5, pendingCount: 0)
        ),
        ("$JS.ACK.IN_7.c.1.12.3.5", nil), ("$JS.ACK.IN_7.c.1.12.3.5.4.6", nil), ("$JS.NAK.IN_7.c.1.12.3.5.4", nil),
        ("$JS.ACK.IN_7.c.1.x.3.5.4", nil), ("$JS.ACK.IN_7.c.1..3.5.4", nil),
        ("$JS.ACK.IN_7.c.1.18446744073709551616.3.5.4", nil), ("_INBOX.abc.1", nil), ("", nil),
    ]

    @Test(arguments: places)
    func `has the place of a delivered message in its subject for answers`(subject: String, place: Delivery?) {
        #expect(Delivery(reply: bytes(subject).span) == place)
    }

    @Test func `has a message with its headers`() throws {
        let message = try StoredMessage(
            bytes(
                #"{"type":"io.nats.jetstream.api.v1.stream_msg_get_response","message":{"subject":"a.b","seq":5,"#
                    + #""hdrs":"TkFUUy8xLjANCk5hdHMtTXNnLUlkOiBtDQpYOiB5OiB6DQoNCg==","data":"AAH/","#
                    + #""time":"2026-11-29T19:18:13.4961303Z"}}"#
            ).span)
        #expect(message.subject == "a.b" && message.sequence == 5 && message.payload == [0, 1, 255])
        #expect(message.header("Nats-Msg-Id") == "m" && message.header("X") == "y: z" && message.header("m") == nil)
        // date --utc --date 2026-11-29T19:18:13 +%s
        #expect(message.time == 1_795_979_893_496_130_300)
    }

    static let times: [(String, Int64?)] = [
        ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59.5Z", 951_868_799_500_000_000),
        ("2100-03-01T00:00:00.000000001Z", 4_107_542_400_000_000_001), ("2026-11-29T19:18:13+01:00", nil),
        ("2026-11-29", nil), ("yesterday", nil), ("", nil),
    ]

    @Test(arguments: times)
    func `has a time in UTC with up to nine digits of a second`(text: String, nanoseconds: Int64?) throws {
        let answer = bytes(#"{"message":{"subject":"a","seq":1,"time":"\#(text)"}}"#)
        guard let nanoseconds else {
            #expect(throws: JetStreamError.self) { try StoredMessage(answer.span) }
            return
        }
        #expect(try StoredMessage(answer.span).time == nanoseconds)
    }

    @Test func `has a stream's state in a cluster`() throws {
        let answer = bytes(
            #"{"type":"io.nats.jetstream.api.v1.stream_info_response","total":0,"offset":0,"limit":0,"config":{"#
                + #""name":"IN_0","subjects":["in.0"],"retention":"limits","max_consumers":-1,"max_msgs":-1,"#
                + #""max_bytes":-1,"max_age":0,"num_replicas":3,"storage":"file","metadata":{"_nats.ver":"2.15.1"}},"#
                + #""created":"2026-11-29T19:18:13.49Z","state":{"messages":7,"bytes":700,"first_seq":3,"#
                + #""first_ts":"2026-11-29T19:18:13.49Z","last_seq":9,"last_ts":"2026-11-29T19:18:13.49Z","#
                + #""num_subjects":1,"consumer_count":2},"cluster":{"name":"tests","leader":"s1","replicas":["#
                + #"{"name":"s0","current":true,"active":1},{"name":"s2","current":false,"active":1,"lag":4}]}}"#)
        let state = try StreamInformation(answer.span)
        #expect(
            state.firstSequence == 3 && state.lastSequence == 9 && state.messageCount == 7 && state.byteCount == 700)
        #expect(state.replicas == 3 && state.leader == "s1" && state.currentReplicas == 1 && state.maximumBytes == nil)
        #expect(state.subjects == ["in.0"] && state.consumerCount == 2 && state.subjectCounts.isEmpty)
    }

    @Test func `has a server's introduction`() throws {
        let line = bytes(
            #"INFO {"server_id":"N","server_name":"s0","version":"2.9.10","proto":1,"go":"go1.19.8","host":"0.0.0.0","#
                + #""port":14222,"headers":true,"max_payload":1048576,"jetstream":true,"client_id":4} "#)
        let information = try #require(ServerInformation(line: line))
        #expect(information.version == "2.9.10" && information.hasJetStream && information.name == "s0")
        #expect(
            information.isAtLeast([2, 9]) && !information.isAtLeast([2, 10, 23]) && information.isAtLeast([2, 9, 10]))
        #expect(ServerInformation(line: bytes("SSH-2.0-OpenSSH_9.2p1")) == nil)
    }
}
#endif
