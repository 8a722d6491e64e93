import Wire

/// A request that applies to many streams. It takes effect on all of them at one point in the order of timesteps and
/// requests.
public enum StreamOperation: Sendable {
    /// Resets the state and the step to zero. The sequence numbers continue.
    case reset
    /// Prepares for the removal of the streams, which leave the table as soon as the store has removed them. Until
    /// then, the streams work as usual, but checkpoints omit them: a checkpoint that wrote them could undo their
    /// removal from the store. See ``StreamTable/spare()``.
    case doom
    /// Removes the streams together with their waiting timesteps.
    case remove
    /// Makes later timesteps of the streams wait until the streams are resumed.
    case pause
    /// Admits the waiting timesteps. Later timesteps are admitted at once.
    case resume
    /// Copies the streams as they are when the operation takes effect.
    case copy
    /// Moves the streams to their model's new weights; see ``StreamTable/beginReload(_:with:resetting:number:)``.
    case exchange
    /// Restores the streams from a snapshot; see ``StreamTable/beginRestoring()``.
    case restore
}

/// The progress of an operation on many streams. The table sweeps a few slots at a time. If a stream is used before the
/// sweep reaches it, the operation is first carried out on that stream. The operation thus appears to take effect on
/// all streams at once.
///
///     slots:  0 … next: swept | next … end: not swept yet | used since the operation began
struct StreamSweep {
    let operation: StreamOperation
    /// The id prefix of the streams to which the operation applies.
    let prefix: [UInt8]
    /// The first slot that has not been swept.
    private(set) var next = 0
    /// The end of the sweep. Slots at or above it were first used after the operation began.
    let end: Int

    /// - Parameters:
    ///   - operation: The operation.
    ///   - selection: All streams, or the streams with a prefix. An operation on a single stream needs no sweep.
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
