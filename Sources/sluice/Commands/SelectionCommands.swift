import ArgumentParser
import Client

struct ResetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Set the state of streams to zero.",
        discussion: """
            Their step starts again at 0. Their sequence continues.

              sluice reset meter-1
              sluice reset --prefix meter-
            """)

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws { _ = try which.required() }

    func run() throws {
        try options.run(.reset(try which.required())) { ["reset \(Quantity.count($0.reset, of: "stream"))"] }
    }
}

struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove streams and their stored state.",
        discussion: """
              sluice remove meter-1
              sluice remove --prefix bench-
            """)

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws { _ = try which.required() }

    func run() throws {
        try options.run(.remove(try which.required())) { ["removed \(Quantity.count($0.removed, of: "stream"))"] }
    }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause streams: their timesteps wait in the daemon.",
        discussion: """
            Beyond the daemon's limit of waiting timesteps, new ones are dropped and counted.

              sluice pause meter-1
              sluice pause --all
            """)

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws { _ = try which.required() }

    func run() throws {
        try options.run(.pause(try which.required())) { ["paused \(Quantity.count($0.paused, of: "stream"))"] }
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Continue paused streams, beginning with their waiting timesteps.",
        discussion: """
              sluice resume --all
            """)

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws { _ = try which.required() }

    func run() throws {
        try options.run(.resume(try which.required())) { ["resumed \(Quantity.count($0.resumed, of: "stream"))"] }
    }
}
