/// The version of the daemon and the tool.
public enum Version {
    /// The version that `status` and `--version` report.
    public static let current = "0.1.0"
}
