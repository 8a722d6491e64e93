import Wire

/// A request on many streams. It takes effect on all of them at one point in the order of timesteps and requests.
public enum StreamOperation: Sendable {
    /// Resets the state and the step to zero. Sequence numbers continue.
    case reset
    /// Prepares the removal of the streams, which follows once the store has removed them. Until then the streams work
    /// as usual. No checkpoint includes them, because it would bring them back after the store's removal. See
    /// ``StreamTable/spare()``.
    case doom
    /// Removes the streams with their waiting timesteps.
    case remove
    /// Makes later timesteps of the streams wait until a resume.
    case pause
    /// Admits the waiting timesteps, and admits later timesteps at once.
    case resume
    /// Copies the streams as they are when the operation takes effect.
    case copy
    /// Moves the streams to new weights of their model; see ``StreamTable/beginReload(_:with:resetting:number:)``.
    case exchange
    /// Restores the streams from a snapshot; see ``StreamTable/beginRestoring()``.
    case restore
}

/// The progress of an operation on many streams. The table sweeps a few slots at a time. If a stream is used before the
/// sweep reaches it, the operation is carried out on that stream first. The operation thus appears to take effect at
/// once.
///
///     slots:  0 … next: swept | next … end: not swept yet | used since the operation began
struct StreamSweep {
    let operation: StreamOperation
    /// The prefix of the ids of the operation's streams.
    let prefix: [UInt8]
    /// The first slot that was not swept.
    private(set) var next = 0
    /// The end of the sweep. Slots from here on were first used after the operation began.
    let end: Int

    /// - Parameters:
    ///   - operation: The operation.
    ///   - selection: All streams, or the streams of a prefix. An operation on a single stream needs no sweep.
    ///   - end: The end of the slots in use.
    init(_ operation: StreamOperation, _ selection: ControlCommand.Selection, end: Int) {
        self.operation = operation
        prefix =
            switch selection {
            case .stream(let id), .prefix(let id): Array(id.utf8)
            case .all: []
            }
        self.end = end
    }

    var isOver: Bool { next == end }

    /// Advances to the next slots.
    ///
    /// - Parameter limit: The maximum number of slots to sweep.
    /// - Returns: The slots to sweep now; empty at the end.
    mutating func advance(_ limit: Int) -> Range<Int> {
        let first = next
        next = first + min(end - first, limit)
        return first..<next
    }

    /// Whether the operation applies to a stream with this id.
    func selects(_ id: Span<UInt8>) -> Bool { prefix.isEmpty || id.begins(with: prefix) }
}
