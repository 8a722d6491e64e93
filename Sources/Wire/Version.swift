/// The version of the daemon and of the tool.
public enum Version {
    /// As `status` and `--version` say it.
    public static let current = "0.1.0"
}
