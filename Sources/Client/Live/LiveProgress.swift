import FoundationEssentials
import HTTPServer
import Synchronization

/// The progress of a training as the live page shows it. The training's threads record it, and the server's thread makes
/// events from it.
final class LiveProgress: Sendable {
    /// The end of a training.
    enum End: String, Sendable {
        case finished, stopped
    }

    /// The data of an event `training`.
    private struct Event: Encodable {
        /// The time in seconds since the Unix epoch.
        var time = 0.0
        let command: String
        let title: String
        var state = "running"
        /// The outcome; nil while the training runs.
        var message: String?
        var runs: [LiveRun]
        /// The results of a comparison; nil before its end.
        var results: Table?
    }

    /// A table of the text that the terminal shows too.
    struct Table: Encodable, Sendable {
        let columns: [String]
        let rows: [[String]]
    }

    private let state: Mutex<Event>

    /// Describes a training that has not begun.
    ///
    /// - Parameters:
    ///   - command: The name of the command.
    ///   - title: The model and the data, for people.
    ///   - runs: The training runs.
    init(_ command: String, title: String, runs: [LiveRun]) {
        state = Mutex(Event(command: command, title: title, runs: runs))
    }

    /// Changes a run.
    func update(_ run: Int, _ change: (inout LiveRun) -> Void) {
        state.withLock { change(&$0.runs[run]) }
    }

    /// Records the end of the training.
    ///
    /// - Parameters:
    ///   - end: Whether the training is complete.
    ///   - message: The outcome, for people; nil if there is nothing to add.
    ///   - results: The results of a comparison.
    func end(_ end: End, _ message: String?, results: Table? = nil) {
        state.withLock { event in
            event.state = end.rawValue
            event.message = message
            event.results = results
        }
    }

    /// The event `training` with the current progress.
    var event: HTTPEvent {
        get throws {
            let time = Date.now.timeIntervalSince1970
            let event = state.withLock { event in
                event.time = time
                for run in event.runs.indices { event.runs[run].measureRate(at: time) }
                return event
            }
            return HTTPEvent("training", try JSONEncoder().encode(event))
        }
    }
}
