import ArgumentParser

/// The option for the permissions of a file that a command writes.
struct FileModeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The octal permissions of the file, whatever the umask (default: 600, only its owner).",
            valueName: "mode"))
    private var fileMode: String?

    /// The permission bits.
    var bits: UInt16 { fileMode.flatMap { UInt16($0, radix: 8) } ?? 0o600 }

    func validate() throws {
        guard let fileMode else { return }
        guard let bits = UInt16(fileMode, radix: 8), bits & ~0o777 == 0, bits & 0o600 == 0o600 else {
            throw ValidationError("--file-mode must be 600 to 777 in octal, such as 644")
        }
    }
}
