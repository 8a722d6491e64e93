import ArgumentParser
import Client
import FoundationEssentials
import Wire
import ZeroMQ

/// Names from the running daemon, for completion in a shell. If no daemon answers, there are no names.
enum DaemonNames {
    /// The maximum number of stream ids that a completion offers.
    private static let mostStreams = 200
    /// The maximum time to wait for the daemon, in seconds. It is short because the user is waiting for the completion.
    private static let patience = 1.0

    /// The stream ids that begin with the current word.
    static let streams = CompletionKind.custom { words, _, prefix in
        names(words) { client throws(ClientError) in
            var ids: [String] = []
            _ = try client.forEachPage(prefix: prefix, limit: mostStreams) { ids += $0.map(\.stream) }
            return ids
        }
    }

    /// The names of models.
    static let models = CompletionKind.custom { words, _, _ in
        names(words) { client throws(ClientError) in try client.call(.status).models.map(\.name) }
    }

    /// The names of snapshots.
    static let snapshots = CompletionKind.custom { words, _, _ in
        names(words) { client throws(ClientError) in try client.call(.snapshots).snapshots.map(\.name) }
    }

    /// Sends a request to the daemon that the connection options on the command line select.
    private static func names(
        _ words: [String], _ ask: (ControlClient) throws(ClientError) -> [String]
    ) -> [String] {
        do {
            let place = try PlaceOptions.parse(placeArguments(in: words)).resolved()
            let client = try ControlClient(
                endpoint: place.control, timeoutSeconds: patience, credentials: place.credentials,
                in: try ConnectionOptions.context())
            return try ask(client)
        } catch {
            return []
        }
    }

    /// Returns the connection options in a command line.
    private static func placeArguments(in words: [String]) -> [String] {
        let names = ["--control", "--server-key", "--key", "--target"]
        var arguments: [String] = []
        for (index, word) in words.enumerated() {
            if names.contains(word), index + 1 < words.count {
                arguments += [word, words[index + 1]]
            } else if names.contains(where: { word.hasPrefix("\($0)=") }) {
                arguments.append(word)
            }
        }
        return arguments
    }
}
