import ArgumentParser

/// The file that a command reads as a whole: an argument, or the option `--input`.
struct InputFileOptions: ParsableArguments {
    @Argument(
        help: "The file with the sequences; - or none for standard input.",
        completion: .file(extensions: RowOptions.extensions))
    var file: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The same as FILE (default: none).", valueName: "file"),
        completion: .file(extensions: RowOptions.extensions))
    var input: String?

    func validate() throws {
        if file != nil, input != nil { throw ValidationError("give the file as FILE or with --input, not both") }
    }

    /// The path of the file; `-` for standard input.
    var path: String { file ?? input ?? "-" }
}
