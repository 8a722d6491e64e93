import Glibc

/// A dated folder within the state folder. Files that no longer belong to the state are moved here instead of being
/// deleted.
struct SetAsideFolder: Sendable {
    /// The path of the folder.
    let path: String
    /// The names of the files that were moved into the folder.
    private(set) var files: [String] = []
    private let folder: String

    /// Creates a new folder. If the name is already taken, a number is appended.
    ///
    /// - Parameters:
    ///   - folder: The state folder.
    ///   - name: The first part of the folder's name. The date and time follow.
    ///   - time: Seconds since the Unix epoch.
    /// - Throws: ``StoreError`` if the folder cannot be created.
    init(in folder: String, named name: String, time: Int64) throws(StoreError) {
        self.folder = folder
        let (year, month, day) = Self.date(ofDay: time / 86_400)
        func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = [time % 86_400 / 3_600, time % 3_600 / 60, time % 60].map(padded).joined()
        let name = "\(folder)/\(name)-\(year)\(padded(month))\(padded(day))T\(clock)Z"
        for number in 1...1000 {
            let path = number == 1 ? name : "\(name)-\(number)"
            if unsafe mkdir(path, StateFolder.folderMode) == 0 {
                _ = unsafe chmod(path, StateFolder.folderMode)
                self.path = path
                return
            }
            guard errno == EEXIST else { break }
        }
        throw StoreError(.failed, "cannot create \(name): \(StateFolder.systemError)")
    }

    /// Moves files from the state folder into this folder. Missing files are skipped.
    ///
    /// - Parameter names: The names of the files.
    /// - Throws: ``StoreError`` if a file cannot be moved.
    mutating func take(_ names: [String]) throws(StoreError) {
        for name in names where StateFolder.size(of: "\(folder)/\(name)") != nil {
            guard unsafe rename("\(folder)/\(name)", "\(path)/\(name)") == 0 else { throw failure("move", name) }
            files.append(name)
        }
        try StateFolder.sync(path)
        try StateFolder.sync(folder)
    }

    /// Returns the error of a file operation that has just failed, with the system's reason.
    ///
    /// - Parameters:
    ///   - operation: A verb for the operation, such as `move`.
    ///   - name: The name of the file.
    /// - Returns: The error.
    func failure(_ operation: String, _ name: String) -> StoreError {
        StoreError(.failed, "cannot \(operation) \(name) to \(path): \(StateFolder.systemError)")
    }

    /// Converts a number of days since 1970-01-01 to a date; see
    /// <https://howardhinnant.github.io/date_algorithms.html>.
    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = max(0, day) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
