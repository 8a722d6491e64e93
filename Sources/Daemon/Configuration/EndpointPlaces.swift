import Glibc
import HTTPServer
import Store
import ZeroMQ

/// Checks the addresses and paths of a configuration before anything is opened.
extension DaemonConfiguration {
    /// An endpoint that the daemon binds.
    private struct Place {
        /// The endpoint's name in errors. The endpoint's option has the same name.
        let name: String
        let endpoint: Endpoint
        /// The endpoint in the notation of its option.
        let notation: String

        /// The folder of a Unix socket; nil for other endpoints.
        var folder: String? {
            endpoint.ipcPath.map { path in path.lastIndex(of: "/").map { String(path[...$0]) } ?? "." }
        }
    }

    /// The ZeroMQ endpoints, followed by the HTTP endpoint.
    private var places: [Place] {
        let all =
            ingest.map { Place(name: "ingest", endpoint: $0.endpoint.endpoint, notation: "\($0.endpoint)") }
            + decisions.map { Place(name: "decisions", endpoint: $0.endpoint, notation: "\($0.endpoint)") }
            + [Place(name: "control", endpoint: control, notation: "\(control)")]
        let httpPlace = http.endpoint == .off ? nil : Endpoint(.bind, "tcp://\(http.endpoint)")
        return all.filter { $0.endpoint.attachment != .connect }
            + (httpPlace.map { [Place(name: "http", endpoint: $0, notation: "\(http.endpoint)")] } ?? [])
    }

    /// Refuses endpoints that cannot be bound, duplicate endpoints, and paths in which `~` was not expanded.
    ///
    /// - Throws: ``DaemonError`` with the code `configuration`.
    func checkPlaces() throws(DaemonError) {
        var owners: [String: String] = [:]
        for place in places {
            if let (host, port) = place.endpoint.hostAndPort, !Self.canBind(host) {
                throw DaemonError(
                    .configuration,
                    "\(place.name) at \(place.notation): '\(host)' is neither an address nor a network interface of this "
                        + "machine; give its address, or * for all, such as @tcp://127.0.0.1:\(port) or @tcp://*:\(port)"
                )
            }
            guard place.endpoint.hostAndPort.map({ !["*", "!", "0"].contains($0.port) }) ?? true,
                let other = owners.updateValue(place.name, forKey: place.endpoint.numericAddress)
            else { continue }
            throw DaemonError(
                .configuration,
                "\(other) and \(place.name) are both at \(place.endpoint.address); give them different endpoints with "
                    + Self.options(other == place.name ? [other] : [other, place.name]))
        }
        let paths =
            [
                ("--state-dir", stateFolder), ("--curve-key", access.curveKey),
                ("--authorized-clients", access.authorizedClients), ("--http-control", http.controlFile),
            ] + models.map { ("the model", $0.file) }
        for case (let name, let path?) in paths where path.hasPrefix("~/") {
            throw DaemonError(
                .configuration,
                "\(name) '\(path)' begins with ~, which only a shell replaces, at the beginning of a word; write the whole "
                    + "path")
        }
    }

    private static func canBind(_ host: String) -> Bool {
        let isInterface = unsafe if_nametoindex(host) != 0
        return isInterface || host == "*" || host == "localhost" || host.hasPrefix("[") || IPAddress(host) != nil
    }

    private static func options(_ names: [String]) -> String {
        names.map { "--\($0)" }.formatted
    }

    /// Refuses to start while another program uses any of the endpoints. The error names every endpoint in use. Also
    /// refuses if the folder of a Unix socket is missing, or if the current user may not use it.
    ///
    /// - Throws: ``DaemonError`` with the code `inUse` or `cannotCreate`.
    func checkFree() throws(DaemonError) {
        for place in places {
            guard let folder = place.folder, unsafe Glibc.access(folder, W_OK | X_OK) != 0 else { continue }
            let error = ZeroMQError(code: errno, operation: "bind", context: place.endpoint.address)
            throw Self.error(
                at: place, error.reason, error.reason == .noFile ? "there is no folder \(folder)" : error.problem)
        }
        let taken = places.filter(\.endpoint.isInUse)
        guard !taken.isEmpty else { return }
        var names = taken.map { "\($0.name) \($0.notation)" }
        var options = Array(Set(taken.map(\.name))).sorted().map { "--\($0)" }
        if let folder = stateFolder, StateExamination.isInUse(folder) {
            names.append("the state folder \(folder)")
            options.append("--state-dir")
        }
        throw DaemonError(
            .inUse,
            "in use by another program, perhaps another sluiced: \(names.joined(separator: ", ")); stop that program, or "
                + "give other places with \(options.formatted)")
    }

    /// Returns the error for a socket that could not be opened.
    ///
    /// - Parameter error: The error of libzmq.
    /// - Returns: The error with the endpoint's name and the remedy.
    func startError(_ error: ZeroMQError) -> DaemonError {
        guard let place = places.first(where: { error.context == $0.endpoint.address }) else {
            return DaemonError(.cannotCreate, error.description)
        }
        return Self.error(at: place, error.reason, error.problem)
    }

    private static func error(at place: Place, _ reason: ZeroMQError.Reason?, _ problem: String) -> DaemonError {
        let other = "give another endpoint with --\(place.name)"
        let remedy =
            switch (reason, place.folder) {
            case (.noPermission, let folder?): "let the user of sluiced write to \(folder), or \(other)"
            case (.noPermission, nil): "ports below 1024 need a right of their own; \(other)"
            case (.noFile, let folder?): "create the folder \(folder), or \(other)"
            case (.noSuchAddress, _): "give an address of this machine, or * for all, with --\(place.name)"
            case (.inUse, _): "stop that program, or \(other)"
            case (.noFile, nil), (nil, _): other
            }
        return DaemonError(
            reason == .inUse ? .inUse : .cannotCreate,
            "cannot open \(place.name) at \(place.notation): \(problem); \(remedy)")
    }
}

extension [String] {
    /// The words, separated by commas, with "and" before the last one.
    fileprivate var formatted: String {
        count < 2 ? joined() : dropLast().joined(separator: ", ") + " and " + (last ?? "")
    }
}
