import ArgumentParser
import Client
import ZeroMQ

struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Create a pair of keys for a daemon or a client.",
        discussion: """
            NAME.key is secret: anyone who has it can act as NAME. Keep it on its machine; only its owner can read it. \
            NAME.pub goes to the other side. Put a client's into the folder of 'sluiced --authorized-clients', and give the \
            daemon's to its clients. Needs no daemon.

              sluice keygen daemon
              sluice keygen alice && cp alice.pub clients/controllers/
              sluiced model2.keras --curve-key daemon.key --authorized-clients clients &
              sluice status --server-key daemon.pub --key alice.key
            """)

    @Argument(help: "The path of the files NAME.key and NAME.pub without the extension.", completion: .file())
    var name: String

    func validate() throws {
        guard !name.isEmpty, !name.hasSuffix("/") else { throw ValidationError("'\(name)' is not a file name") }
    }

    func run() throws {
        let keys = try makeKeys()
        var output = StandardStream.output
        try output.writeLine(
            "wrote \(name).key, which is secret, and \(name).pub with the public key \(keys.publicKey)")
    }

    private func makeKeys() throws(ClientError) -> CurveKeyPair {
        let keys: CurveKeyPair
        do {
            keys = try CurveKeyPair()
        } catch {
            throw ClientError(.software, "\(error)")
        }
        do {
            try CurveKeyFile.write(keys, name: name)
        } catch {
            throw ClientError(error)
        }
        return keys
    }
}
