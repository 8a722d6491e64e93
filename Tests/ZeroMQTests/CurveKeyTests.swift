import Foundation
import TestSupport
import Testing
import ZeroMQ

@Suite struct `A key` {
    /// The example of <https://rfc.zeromq.org/spec/32/>, repeated four times, because the example has 8 bytes and a key
    /// has 32.
    private static let bytes = [[UInt8]](repeating: [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B], count: 4).flatMap(
        \.self)
    private static let text = String(repeating: "HelloWorld", count: 4)

    @Test func `a key is written in Z85`() throws {
        #expect(try #require(CurvePublicKey(Self.bytes)).description == Self.text)
        #expect(try #require(CurvePublicKey(z85: Self.text)).bytes == Self.bytes)
    }

    @Test(arguments: [
        "", "HelloWorld", String(repeating: "HelloWorld", count: 5), String(repeating: "Hello~orld", count: 4),
    ])
    func `a string that is not a key is refused`(text: String) {
        #expect(CurvePublicKey(z85: text) == nil)
        #expect(CurveKeyPair(secretZ85: text) == nil)
    }

    /// libzmq's own test vectors, from the manual page of `zmq_curve_keypair`.
    @Test func `a secret key gives the public key in libzmq's documentation`() throws {
        let keys = try #require(CurveKeyPair(secretZ85: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"))
        #expect("\(keys.publicKey)" == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
    }
}

@Suite struct `A key file` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func write(_ text: String, mode: Int = 0o600) throws -> String {
        let path = try folder.write(text, to: "file")
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    @Test func `a written key file is read as the same key, and only its owner can read a secret one`() throws {
        let keys = try CurveKeyPair()
        try CurveKeyFile.write(keys, name: folder.path("alice"))
        let read = try CurveKeyFile.keyPair(at: folder.path("alice.key"))
        #expect(read.publicKey == keys.publicKey)
        #expect(try CurveKeyFile.publicKey(at: folder.path("alice.pub")) == keys.publicKey)
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path("alice.key"))[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(try !String(contentsOfFile: folder.path("alice.pub"), encoding: .utf8).contains("secret-key"))
    }

    @Test(arguments: ["alice.key", "alice.pub"])
    func `a key file is never overwritten, and no half of a pair is left behind`(there: String) throws {
        _ = try folder.write("mine", to: there)
        let error = try #require(throws: CurveKeyFileError.self) {
            try CurveKeyFile.write(try CurveKeyPair(), name: folder.path("alice"))
        }
        #expect(error.code == .exists)
        #expect(error.path == folder.path(there))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [there])
        #expect(try String(contentsOfFile: folder.path(there), encoding: .utf8) == "mine")
    }

    /// The output of `zmq.auth.create_certificates` of pyzmq 24.0.1, with the keys from libzmq's documentation.
    @Test func `a key file written by pyzmq is read too`() throws {
        let path = try write(
            """
            #   ****  Generated on 2026-11-23 18:43:45.000000 by pyzmq  ****
            #   ZeroMQ CURVE **Secret** Certificate
            #   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions.

            metadata
            curve
                public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
                secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

            """)
        #expect(try "\(CurveKeyFile.keyPair(at: path))" == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
    }

    @Test func `a secret key file is refused in place of a public one`() throws {
        let path = try write(
            """
            curve
                public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
                secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
            """)
        let error = try #require(throws: CurveKeyFileError.self) { try CurveKeyFile.publicKey(at: path) }
        #expect(error.code == .noKey)
        #expect("\(error)".contains("secret key") && !"\(error)".contains("Yne@"))
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o601])
    func `a secret key file that others can access is refused`(mode: Int) throws {
        let path = try write("secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\"", mode: mode)
        let error = try #require(throws: CurveKeyFileError.self) { try CurveKeyFile.keyPair(at: path) }
        #expect(error.code == .exposed)
        #expect("\(error)".contains("mode \(String(mode, radix: 8))"))
    }

    @Test(.enabled("only root gives files away") { geteuid() == 0 }, arguments: [0o440, 0o640, 0o604, 0o620])
    func `a key file of another owner may be readable by a group, as systemd and Kubernetes require`(mode: Int) throws {
        let path = try write("secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\"", mode: mode)
        #expect(unsafe chown(path, 65_534, 0) == 0)
        if [0o440, 0o640].contains(mode) {
            #expect(try "\(CurveKeyFile.keyPair(at: path))" == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
        } else {
            let error = try #require(throws: CurveKeyFileError.self) { try CurveKeyFile.keyPair(at: path) }
            #expect(error.code == .exposed)
        }
    }

    @Test(arguments: [
        "", "secret-key", "secret-key =", "secret-key = \"", "secret-key = \"short\"", "# secret-key = \"x\"",
        "secret-key = D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs", "\u{0}\u{FFFD}",
    ])
    func `a file without a key is refused`(text: String) throws {
        let path = try write(text)
        #expect(try #require(throws: CurveKeyFileError.self) { try CurveKeyFile.keyPair(at: path) }.code == .noKey)
        #expect(try #require(throws: CurveKeyFileError.self) { try CurveKeyFile.publicKey(at: path) }.code == .noKey)
    }

    @Test func `a missing file and a folder are refused`() throws {
        for path in [folder.path("none"), folder.path] {
            let error = try #require(throws: CurveKeyFileError.self) { try CurveKeyFile.publicKey(at: path) }
            #expect(error.code == .unreadable)
        }
    }
}

@Suite struct `An endpoint on this machine` {
    @Test(arguments: [
        "@tcp://127.0.0.1:5550", "tcp://127.255.0.9:*", "tcp://localhost:1", "tcp://[::1]:1", "tcp://lo:1",
        "ipc:///run/sluice", "inproc://x",
    ])
    func `an address of this machine is local`(text: String) throws {
        #expect(try Endpoint(text).isLocal)
    }

    @Test(arguments: [
        "@tcp://0.0.0.0:5550", "tcp://*:1", "tcp://[::]:1", "tcp://eth0:1", "tcp://10.0.0.1:1",
        "tcp://127.0.0.1.example:1",
        "tcp://127.1:1", "tcp://127.0.0.256:1", "tcp://example.org:1", "tcp://128.0.0.1:1",
    ])
    func `an address that others may reach is not local`(text: String) throws {
        #expect(try !Endpoint(text).isLocal)
    }
}
