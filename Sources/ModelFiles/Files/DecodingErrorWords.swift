import FoundationEssentials

extension DecodingError {
    /// A description of the problem and its location in the JSON.
    var inWords: String {
        let (text, context): (String, Context) =
            switch self {
            case .keyNotFound(let key, let context): ("'\(key.stringValue)' is missing", context)
            case .typeMismatch(let type, let context): ("a value is not of the type \(type)", context)
            case .valueNotFound(_, let context): ("a value is null", context)
            case .dataCorrupted(let context): (context.debugDescription, context)
            @unknown default: ("\(self)", Context(codingPath: [], debugDescription: ""))
            }
        let place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return place.isEmpty ? text : "\(text), at \(place)"
    }
}
