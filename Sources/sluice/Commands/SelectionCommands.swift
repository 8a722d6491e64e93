import ArgumentParser
import Client

struct ResetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Set the state of streams to zero.",
        discussion: "Their step begins anew at 0; their sequence goes on.")

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws { _ = try which.required() }

    func run() throws {
        try options.runCounting(.reset(try which.required())) { "reset \(Quantity.count($0, of: "stream"))" }
    }
}

struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Forget streams, and their stored state too.")

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws { _ = try which.required() }

    func run() throws {
        try options.runCounting(.remove(try which.required())) { "removed \(Quantity.count($0, of: "stream"))" }
    }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let the timesteps of streams wait in the daemon.",
        discussion: "As many wait as the daemon's limit allows; then the newest are dropped and counted.")

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws { _ = try which.required() }

    func run() throws {
        try options.runCounting(.pause(try which.required())) { "paused \(Quantity.count($0, of: "stream"))" }
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let paused streams go on, with what has waited first.")

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws { _ = try which.required() }

    func run() throws {
        try options.runCounting(.resume(try which.required())) { "resumed \(Quantity.count($0, of: "stream"))" }
    }
}
