/// Why the store could not do what it was asked for. Told apart by ``code``.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Equatable, Sendable {
        /// The folder or the database cannot be created or opened.
        case cannotOpen
        /// Another daemon has the database.
        case inUse
        /// A later version of Sluice wrote the database.
        case laterVersion
        /// No snapshot has that name.
        case noSuchSnapshot
        /// A snapshot has that name already.
        case snapshotExists
        /// SQLite failed: a full disk, a lost permission, a damaged file.
        case failed
    }

    /// What kind of failure it is.
    public let code: Code
    /// What was wrong, where, and what to do.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
