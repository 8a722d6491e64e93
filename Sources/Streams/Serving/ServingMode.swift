extension ServingPolicy {
    /// When a stream's state starts anew, and what it is decided on.
    public enum Mode: Equatable, Sendable {
        /// The state carries on for ever, until a reset; a decision at every timestep.
        case stateful
        /// Each sequence stands for itself: it ends at the `end` flag or after the model's fixed length, is decided, and
        /// the state is reset.
        case sequence
        /// Every few timesteps the last ones are decided on afresh, as a sequence of their own from the zero state.
        case window(Window)

        /// Which decisions are published where nothing else is asked for.
        public var defaultEmit: Emit {
            switch self {
            case .stateful, .window: .every
            case .sequence: .final
            }
        }
    }

    /// Which timesteps the mode `window` decides on, and how often.
    public struct Window: Equatable, Sendable {
        /// How many timesteps a window may have.
        public static let lengths = 1...65_536

        /// Timesteps that a decision is made on.
        public let length: Int
        /// Timesteps from one decision to the next. Where it is more than the length, those between are not decided on.
        public let stride: Int

        /// Creates a window; nil where the length is not one of ``lengths`` or the stride is below 1.
        ///
        /// - Parameters:
        ///   - length: Timesteps that a decision is made on.
        ///   - stride: Timesteps from one decision to the next.
        public init?(length: Int, stride: Int) {
            guard Self.lengths.contains(length), stride >= 1 else { return nil }
            self.length = length
            self.stride = stride
        }
    }
}

extension ServingPolicy.Mode: LosslessStringConvertible {
    /// How a mode is written, for whoever wrote it otherwise.
    public static let notation =
        "stateful, sequence or window:LENGTH:STRIDE, LENGTH from 1 to \(ServingPolicy.Window.lengths.upperBound) and "
        + "STRIDE at least 1"

    /// Reads a mode as ``description`` writes it; nil where it is none.
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

    /// The mode as flags, files and `status` write it.
    public var description: String {
        switch self {
        case .stateful: "stateful"
        case .sequence: "sequence"
        case .window(let window): "window:\(window.length):\(window.stride)"
        }
    }
}
