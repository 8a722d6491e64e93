import Logging
import Synchronization

/// Decides which pages may change the daemon, and counts and logs pages that present a wrong token.
final class TokenGuard: Sendable {
    /// The answer to a page that asks for a change.
    enum Verdict: Equatable {
        case allowed
        /// Pages may change nothing, because `--http-control` is not given.
        case readOnly
        case noToken
        case wrongToken
    }

    private let file: String?
    private let token: Mutex<ControlToken?>
    private let refusals: ConnectionRefusals
    private let logger: Logger
    private let rate = Mutex(LogRate())

    /// Reads the token, if its file exists.
    ///
    /// - Parameters:
    ///   - file: The file of `--http-control`; nil if pages may change nothing.
    ///   - refusals: Counts wrong tokens as refused controllers.
    ///   - logger: The daemon's log.
    /// - Throws: ``DaemonError`` if the file cannot be used.
    init(file: String?, _ refusals: ConnectionRefusals, _ logger: Logger) throws(DaemonError) {
        self.file = file
        self.refusals = refusals
        self.logger = logger
        token = Mutex(try file.flatMap { file throws(DaemonError) in try ControlToken(file: file) })
    }

    /// Whether pages may change the daemon, if they have the token.
    var isOn: Bool { file != nil }

    /// Creates the token if its file does not exist yet.
    ///
    /// - Throws: ``DaemonError`` if the file cannot be written.
    func begin() throws(DaemonError) {
        guard let file else { return }
        if token.withLock({ $0 == nil }) {
            let made = try ControlToken(creating: file)
            token.withLock { $0 = made }
            logger.notice("made the token for HTTP: \(file)")
        }
        logger.info("pages may change the daemon with the token in \(file)")
    }

    /// Reads the token again. If the file cannot be used, the previous token remains in force.
    func reload() {
        guard let file else { return }
        do throws(DaemonError) {
            guard let read = try ControlToken(file: file) else {
                throw DaemonError(.noInput, "\(file): there is no such file")
            }
            token.withLock { $0 = read }
        } catch {
            logger.error("the token for HTTP could not be reloaded and stays as it is: \(error)")
        }
    }

    /// Returns whether a page may change the daemon.
    ///
    /// - Parameters:
    ///   - authorization: The header `Authorization`; nil if there is none.
    ///   - address: The address of the client, for the log.
    /// - Returns: The answer.
    func verdict(on authorization: String?, from address: String?) -> Verdict {
        guard let file else { return .readOnly }
        guard let authorization else { return .noToken }
        let words = authorization.split(separator: " ")
        let isRight = token.withLock { token in
            words.count == 2 && words[0].lowercased() == "bearer" && token?.equals(words[1]) == true
        }
        if isRight { return .allowed }
        refusals.count(.control)
        log(file, address)
        return .wrongToken
    }

    private func log(_ file: String, _ address: String?) {
        let unlogged: UInt64? = rate.withLock { rate in
            let isLogged = rate.admits(at: SteadyClock.now())
            return isLogged ? rate.takeUnlogged() : nil
        }
        guard let unlogged else { return }
        let more = unlogged > 0 ? "; \(unlogged) more were refused since the last line" : ""
        logger.warning(
            "refused a page at \(address ?? "an unknown address"): its token is not the one in \(file)\(more)")
    }
}
