import ArgumentParser
import Client
import ZeroMQ

struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make a pair of keys, for a daemon or for one of its clients.",
        discussion: """
            NAME.key is secret: whoever has it can pass for NAME. It stays where it is used, and only its owner can read \
            it. NAME.pub goes to the other side: a client's into the folder that 'sluiced --authorized-clients' names, the \
            daemon's to its clients. Asks no daemon.

              sluice keygen daemon
              sluice keygen alice && cp alice.pub clients/controllers/
              sluiced model2.keras --curve-key daemon.key --authorized-clients clients &
              sluice status --server-key daemon.pub --key alice.key
            """)

    @Argument(help: "The files' path without the ending: NAME.key and NAME.pub are written.")
    var name: String

    func validate() throws {
        guard !name.isEmpty, !name.hasSuffix("/") else { throw ValidationError("'\(name)' names no file") }
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
