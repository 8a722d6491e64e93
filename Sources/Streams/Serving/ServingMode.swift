extension ServingPolicy {
    /// The mode in which a model is served. It determines when a stream's state restarts and on which timesteps a
    /// decision is based.
    public enum Mode: Equatable, Sendable {
        /// The state continues until a reset. Each timestep produces a decision.
        case stateful
        /// Each sequence is independent. It ends at the `end` flag or after the model's fixed length. The end of a
        /// sequence produces a decision and resets the state.
        case sequence
        /// Every few timesteps, the most recent timesteps are decided as a separate sequence that starts from zero
        /// state.
        case window(Window)

        /// The default choice of decisions to publish.
        public var defaultEmit: Emit {
            switch self {
            case .stateful, .window: .every
            case .sequence: .final
            }
        }
    }

    /// The length and spacing of the windows in the mode `window`.
    public struct Window: Equatable, Sendable {
        /// The valid lengths of a window.
        public static let lengths = 1...65_536

        /// The number of timesteps in a window.
        public let length: Int
        /// The number of timesteps between decisions. If the stride exceeds the length, some timesteps are in no
        /// window.
        public let stride: Int

        /// Creates a window. Returns nil unless the length is within ``lengths`` and the stride is at least 1.
        ///
        /// - Parameters:
        ///   - length: The number of timesteps in a window.
        ///   - stride: The number of timesteps between decisions.
        public init?(length: Int, stride: Int) {
            guard Self.lengths.contains(length), stride >= 1 else { return nil }
            self.length = length
            self.stride = stride
        }
    }
}

extension ServingPolicy.Mode: LosslessStringConvertible {
    /// The notation of modes, for error messages.
    public static let notation =
        "stateful, sequence or window:LENGTH:STRIDE, LENGTH from 1 to \(ServingPolicy.Window.lengths.upperBound) and "
        + "STRIDE at least 1"

    /// Reads a mode in the format of ``description``. Returns nil if the text is not a mode.
    ///
    /// - Parameter text: `stateful`, `sequence`, or `window:24:1` for a length of 24 and a stride of 1.
    public init?(_ text: String) {
        switch text {
        case "stateful": self = .stateful
        case "sequence": self = .sequence
        default:
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "window", let length = Int(parts[1]), let stride = Int(parts[2]),
                let window = ServingPolicy.Window(length: length, stride: stride)
            else { return nil }
            self = .window(window)
        }
    }

    /// The mode in the notation of flags, files and `status`.
    public var description: String {
        switch self {
        case .stateful: "stateful"
        case .sequence: "sequence"
        case .window(let window): "window:\(window.length):\(window.stride)"
        }
    }
}
