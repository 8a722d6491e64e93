import Testing
import ZeroMQ

@testable import Client

@Suite struct `A client's endpoint` {
    @Test(arguments: [
        ("@tcp://127.0.0.1:5550", "tcp://127.0.0.1:5552", ">tcp://127.0.0.1:5550"),
        ("tcp://127.0.0.1:5550", "tcp://127.0.0.1:5552", ">tcp://127.0.0.1:5550"),
        ("@tcp://0.0.0.0:5550", "tcp://10.1.2.3:5552", ">tcp://10.1.2.3:5550"),
        ("@tcp://*:5550", ">tcp://gateway.example:7", ">tcp://gateway.example:5550"),
        ("@tcp://[::]:5550", "tcp://[fe80::1]:5552", ">tcp://[fe80::1]:5550"),
        ("@tcp://0.0.0.0:5550", "ipc:///run/sluice/control", ">tcp://127.0.0.1:5550"),
        ("@tcp://0.0.0.0:5550", "@tcp://*:5552", ">tcp://127.0.0.1:5550"),
        ("@tcp://10.0.0.7:5550", "tcp://127.0.0.1:5552", ">tcp://10.0.0.7:5550"),
        (">tcp://10.0.0.7:5550", "tcp://127.0.0.1:5552", "@tcp://10.0.0.7:5550"),
        ("@ipc:///run/sluice/in", "tcp://127.0.0.1:5552", ">ipc:///run/sluice/in"),
        ("pull:@tcp://0.0.0.0:5550", "tcp://10.1.2.3:5552", "pull:>tcp://10.1.2.3:5550"),
        ("pull:>ipc:///run/in", "tcp://10.1.2.3:5552", "pull:@ipc:///run/in"),
    ])
    func `a client attaches to the other side of the daemon's endpoint`(
        _ daemon: String, _ control: String, _ client: String
    ) throws {
        #expect(try "\(IngestEndpoint(daemon).peer(control: Endpoint(control)))" == client)
    }
}
