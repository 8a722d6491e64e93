import FoundationEssentials
import Recurrent
import Wire

/// The indices of a slice such as `y[:, -1, :]`, as Keras 3 and TensorFlow write them.
struct KerasSlice {
    private enum Item: Equatable {
        case index(Int)
        case range(Slice.Range)
        case ellipsis
    }

    private let items: [Item]

    /// Reads the indices of a call.
    ///
    /// - Throws: ``Defect`` if an index is not supported.
    init(_ call: KerasCall) throws(Defect) {
        let value = call.named["slice_spec"] ?? call.others.first
        let values: [JSONValue] =
            switch value {
            case .array(let elements)?: elements
            case let element?: [element]
            case nil: []
            }
        var items: [Item] = []
        for value in values {
            guard let item = Self.item(value) else { throw Self.unsupported }
            items.append(item)
        }
        self.items = items
    }

    private static let unsupported = Defect(
        .unsupported, "these indices are not supported; supported: numbers and ranges, such as [:, -1, :]")

    private static let supportedIndices: ClosedRange<Int64> = -1 << 31...1 << 31

    private static func item(_ value: JSONValue) -> Item? {
        if case .integer(let index) = value { return supportedIndices.contains(index) ? .index(Int(index)) : nil }
        guard let members = value.members else { return value == .string("...") ? .ellipsis : nil }
        if members["class_name"] == .string("__ellipsis__") { return .ellipsis }
        let bounds = members["config"]?.members ?? members
        func bound(_ name: String) -> Int?? {
            switch bounds[name] {
            case .integer(let number)? where supportedIndices.contains(number): .some(Int(number))
            case .null?, nil: .some(nil)
            default: nil
            }
        }
        guard let start = bound("start"), let stop = bound("stop"), let step = bound("step"), step != 0 else {
            return nil
        }
        return .range(Slice.Range(start: start, stop: stop, step: step ?? 1))
    }

    /// Returns one item for each axis of the input.
    private func items(for rank: Int) -> [Item]? {
        let all = Item.range(Slice.Range())
        let count = items.count { $0 != .ellipsis }
        guard items.count - count <= 1, count <= rank else { return nil }
        let rest = Array(repeating: all, count: rank - count)
        guard let place = items.firstIndex(of: .ellipsis) else { return items + rest }
        return items[..<place] + rest + items[(place + 1)...]
    }

    /// Returns the engine's slice.
    func slice(of input: KerasShape) throws(Defect) -> Slice {
        let rank = input.axes.count
        guard (2...3).contains(rank), let items = items(for: rank), items[0] == .range(Slice.Range()),
            case .range(let features) = items[rank - 1]
        else { throw Self.unsupported }
        guard rank == 3 else { return Slice(features: features) }
        switch items[1] {
        case .index(let index): return Slice(timesteps: .index(index), features: features)
        case .range(let range): return Slice(timesteps: .range(range), features: features)
        case .ellipsis: throw Self.unsupported
        }
    }

    func outputShape(of inputs: [KerasShape]) throws(Defect) -> KerasShape {
        try inputs.require(1...1)
        let input = inputs[0]
        let slice = try slice(of: input)
        let width = slice.features.count(of: try input.withKnownFeatures().features)
        guard width > 0, input.axes.count == 2 || input.axes[1].map({ slice.timesteps(of: $0) != nil }) ?? true else {
            throw Defect(.unsupported, "selects nothing of \(input)")
        }
        guard input.axes.count == 3 else { return KerasShape([input.axes[0], width]) }
        guard case .range(let range) = slice.timesteps else { return KerasShape([input.axes[0], width]) }
        return KerasShape([
            input.axes[0], range == Slice.Range() ? input.axes[1] : input.axes[1].map(range.count), width,
        ])
    }
}
