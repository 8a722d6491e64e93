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
        /// A file is damaged, missing, or older than the rest of the folder. Nothing was written.
        case damaged
        /// No snapshot has that name.
        case noSuchSnapshot
        /// A snapshot has that name already.
        case snapshotExists
        /// The folder or a file in it was deleted, replaced or unmounted while the daemon ran.
        case folderLost
        /// The disk is full.
        case diskFull
        /// SQLite failed otherwise: a lost permission, a broken disk.
        case failed
    }

    /// What kind of failure it is.
    public let code: Code
    /// What was wrong, where, and what to do.
    public let description: String
    /// What was wrong and where.
    public let problem: String

    init(_ code: Code, _ description: String, problem: String? = nil) {
        self.code = code
        self.description = description
        self.problem = problem ?? description
    }

    /// The same error, where it was noticed only once all was written.
    public var afterWriting: StoreError {
        StoreError(
            code,
            "whether this was done is not known: it was written before the loss of the folder was noticed, and may be there "
                + "when the folder is back: \(description)")
    }

    /// A damage of a file.
    ///
    /// - Parameters:
    ///   - place: The file.
    ///   - problem: What is wrong with it, as the rest of a sentence that begins with the file.
    /// - Returns: The error, with what to do.
    static func damage(_ place: String, _ problem: String) -> StoreError {
        StoreError(
            .damaged,
            "\(place) \(problem); nothing was changed: put back a backup of the whole folder, or start once with "
                + "--on-damaged-state set-aside to go on with what is sound",
            problem: "\(place) \(problem)")
    }
}
