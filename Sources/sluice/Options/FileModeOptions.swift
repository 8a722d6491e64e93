import ArgumentParser

/// Who may read the file that a command writes.
struct FileModeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The permissions of the file, in octal as for chmod, whatever the umask (default: 600, its owner alone).",
            valueName: "mode"))
    private var fileMode: String?

    /// The permissions' bits.
    var bits: UInt16 { fileMode.flatMap { UInt16($0, radix: 8) } ?? 0o600 }

    func validate() throws {
        guard let fileMode else { return }
        guard let bits = UInt16(fileMode, radix: 8), bits & ~0o777 == 0, bits & 0o600 == 0o600 else {
            throw ValidationError("--file-mode must be 600 to 777 in octal, such as 644")
        }
    }
}
