/// The settings of the live table, which the user changes with keys.
package struct BoardView: Equatable, Sendable {
    /// The order of the streams.
    package private(set) var order: DecisionBoard.Order
    /// The text that a stream's id must contain for the stream to be shown.
    package private(set) var filter = ""
    /// Whether keys edit the filter.
    package private(set) var isTyping = false
    /// The number of streams that are scrolled out of view above the window.
    package private(set) var offset = 0
    /// Whether the table is paused.
    package private(set) var isPaused = false
    /// Whether a key has ended the watch.
    package private(set) var isOver = false

    /// Creates the initial view.
    ///
    /// - Parameter order: The order of streams.
    package init(order: DecisionBoard.Order = .auto) {
        self.order = order
    }

    /// Applies a key.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - page: The number of streams in the window.
    ///   - count: The number of streams that the filter selects.
    package mutating func press(_ key: TerminalKey, page: Int, count: Int) {
        if isTyping { return type(key) }
        switch key {
        case .character("q"): isOver = true
        case .character("/"):
            isTyping = true
            filter = ""
            offset = 0
        case .character("s"):
            let orders = DecisionBoard.Order.allCases
            order = orders[((orders.firstIndex(of: order) ?? 0) + 1) % orders.count]
            offset = 0
        case .character("p"): isPaused.toggle()
        case .escape: filter = ""
        case .up: offset -= 1
        case .down: offset += 1
        case .pageUp: offset -= page
        case .pageDown: offset += page
        case .home: offset = 0
        case .end: offset = count
        case .character, .enter, .backspace: break
        }
        offset = max(0, min(offset, count - page))
    }

    private mutating func type(_ key: TerminalKey) {
        switch key {
        case .character(let character): filter.append(character)
        case .backspace: if filter.popLast() == nil { isTyping = false }
        case .enter: isTyping = false
        case .escape:
            isTyping = false
            filter = ""
        case .up, .down, .pageUp, .pageDown, .home, .end: break
        }
        offset = 0
    }

    /// The settings that differ from the defaults, for the header.
    var words: [String] {
        [
            isPaused ? "paused" : nil, order == .auto ? nil : "sorted by \(order.rawValue)",
            isTyping ? "filter: \(filter)_" : filter.isEmpty ? nil : "filter: \(filter)",
        ].compactMap(\.self)
    }
}
