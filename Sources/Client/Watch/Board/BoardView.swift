/// The choices of the person who looks at the live table. Keys change them.
package struct BoardView: Equatable, Sendable {
    /// The order of streams.
    package private(set) var order: DecisionBoard.Order
    /// The text that shown ids contain.
    package private(set) var filter = ""
    /// Whether keys change the filter.
    package private(set) var isTyping = false
    /// The number of streams above the window.
    package private(set) var offset = 0
    /// Whether the table stands still.
    package private(set) var isPaused = false
    /// Whether the watch ends.
    package private(set) var isOver = false

    /// Creates the view at the start.
    ///
    /// - Parameter order: The order of streams.
    package init(order: DecisionBoard.Order = .auto) {
        self.order = order
    }

    /// Carries out a key.
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

    /// The choices that differ from the usual ones, for the header.
    var words: [String] {
        [
            isPaused ? "paused" : nil, order == .auto ? nil : "sorted by \(order.rawValue)",
            isTyping ? "filter: \(filter)_" : filter.isEmpty ? nil : "filter: \(filter)",
        ].compactMap(\.self)
    }
}
