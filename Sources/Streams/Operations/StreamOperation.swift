import Wire

/// A request on many streams, which takes effect on all of them at one point of the order.
public enum StreamOperation: Sendable {
    /// Their state becomes zero and their step 0; their sequence numbers go on.
    case reset
    /// They are to be removed once the store has forgotten them. Until then they are there like any other, but no checkpoint takes
    /// them, so that none brings them back behind the store's removal. See ``StreamTable/spare()``.
    case doom
    /// They are forgotten, with what waits for them.
    case remove
    /// Their timesteps wait from now on.
    case pause
    /// What waited is taken, and from now on what comes.
    case resume
    /// They are copied as they stand at the point.
    case copy
    /// They go over to other weights of their model; see ``StreamTable/beginReload(_:with:resetting:number:)``.
    case exchange
    /// They are put as a snapshot has them; see ``StreamTable/beginRestoring()``.
    case restore
}

/// How far an operation on many streams is. The table looks through its slots some at a time; whatever needs a stream that
/// was not reached yet has it reached first, so that nobody sees a difference.
///
///     slots:  0 … next: looked at | next … end: to be looked at | those given out since
struct StreamSweep {
    let operation: StreamOperation
    /// What the ids of its streams begin with.
    let prefix: [UInt8]
    /// The first slot that was not looked at.
    private(set) var next = 0
    /// Slots from here on were given out after it began.
    let end: Int

    /// - Parameters:
    ///   - operation: What to do.
    ///   - selection: With which streams; not one alone, with which it is done at once.
    ///   - end: Above the slots of all streams.
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

    /// The slots to look at now.
    ///
    /// - Parameter limit: At most so many.
    /// - Returns: The slots; none at the end.
    mutating func advance(_ limit: Int) -> Range<Int> {
        let first = next
        next = first + min(end - first, limit)
        return first..<next
    }

    /// Whether it is done with a stream of that id.
    func selects(_ id: Span<UInt8>) -> Bool { prefix.isEmpty || id.begins(with: prefix) }
}
