/// A failure of the store. Distinguish errors by ``code``.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of error.
    public enum Code: Equatable, Sendable {
        /// The folder or the database cannot be created or opened.
        case cannotOpen
        /// Another daemon has the database open.
        case inUse
        /// A later version of Sluice wrote the database.
        case laterVersion
        /// A file is damaged, missing, or older than the rest of the folder. Nothing was written.
        case damaged
        /// No snapshot has the requested name.
        case noSuchSnapshot
        /// A snapshot with the requested name already exists.
        case snapshotExists
        /// The folder, or a file in it, was deleted, replaced or unmounted while the daemon was running.
        case folderLost
        /// The disk is full.
        case diskFull
        /// Any other failure of SQLite or the system, such as a revoked permission or a failing disk.
        case failed
    }

    /// The kind of error.
    public let code: Code
    /// The problem, where it occurred, and the remedy.
    public let description: String
    /// The problem and where it occurred.
    public let problem: String

    init(_ code: Code, _ description: String, problem: String? = nil) {
        self.code = code
        self.description = description
        self.problem = problem ?? description
    }

    /// The same error, with a note that the loss of the folder was noticed only after the write.
    public var afterWriting: StoreError {
        StoreError(
            code,
            "whether this was done is not known: it was written before the loss of the folder was noticed, and may be there "
                + "when the folder is back: \(description)")
    }

    /// Returns the error for a damaged file.
    ///
    /// - Parameters:
    ///   - place: The file.
    ///   - problem: A predicate that completes a sentence about the file, such as `is missing`.
    /// - Returns: The error, including the remedy.
    static func damage(_ place: String, _ problem: String) -> StoreError {
        StoreError(
            .damaged,
            "\(place) \(problem); nothing was changed: put back a backup of the whole folder, or start once with "
                + "--on-damaged-state set-aside to go on with what is sound",
            problem: "\(place) \(problem)")
    }
}
