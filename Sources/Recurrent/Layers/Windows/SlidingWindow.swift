/// A window that slides over a sequence, as in a convolution or a pooling.
package struct SlidingWindow: BitwiseCopyable, Equatable, Sendable {
    /// The timesteps that the window covers beyond the sequence. The raw values are the values of Keras' `padding`.
    package enum Padding: String, BitwiseCopyable, CaseIterable, Sendable {
        /// No timesteps.
        case valid
        /// Timesteps before and after the sequence: as many on both sides, or one more after it.
        case same
        /// Timesteps before the sequence only, so that no output depends on a later timestep.
        case causal
    }

    /// The number of timesteps that the window reads.
    package let size: Int
    /// The number of timesteps between two windows.
    package let stride: Int
    /// The distance between two timesteps of one window.
    package let dilation: Int
    /// The timesteps that the window covers beyond the sequence.
    package let padding: Padding

    /// The largest size, stride or dilation. Products of two of them do not overflow.
    private static let most = 1 << 20

    /// Creates a window. Each parameter sets the property of the same name.
    ///
    /// - Throws: ``ModelError`` if a number is less than 1 or too large.
    package init(size: Int, stride: Int = 1, dilation: Int = 1, padding: Padding) throws(ModelError) {
        for (name, value) in [("size", size), ("stride", stride), ("dilation", dilation)]
        where !(1...Self.most).contains(value) {
            throw ModelError(
                code: .shape, context: "the \(name) of the window is \(value), expected 1 to \(Self.most)")
        }
        self.size = size
        self.stride = stride
        self.dilation = dilation
        self.padding = padding
    }

    /// The part of a layer's ``Layer/architecture`` that describes the window.
    var architecture: String {
        "size=\(size) stride=\(stride) dilation=\(dilation) padding=\(padding.rawValue)"
    }

    /// The number of timesteps from the window's first timestep to its last.
    package var span: Int { (size - 1) * dilation + 1 }

    /// Returns the number of windows in a sequence.
    ///
    /// - Parameter count: The number of timesteps, at least 1.
    /// - Returns: At least 1; nil if the sequence is too short for a window.
    package func count(in count: Int) -> Int? {
        switch padding {
        case .valid: count < span ? nil : (count - span) / stride + 1
        case .same, .causal: (count - 1) / stride + 1
        }
    }

    /// Returns the place of the first window's first timestep.
    ///
    /// - Parameter count: The number of timesteps in the sequence.
    /// - Returns: 0, or a negative place before the sequence.
    func start(in count: Int) -> Int {
        switch padding {
        case .valid: 0
        case .same: -max(0, (count - 1) / stride * stride + span - count) / 2
        case .causal: 1 - span
        }
    }
}
