/// The `params` of one request, read by name.
struct Parameters {
    let members: [String: JSONValue]
    let method: ControlCommand.Method

    /// Reads the parameters of a request.
    ///
    /// - Throws: ``ControlError`` if `params` is not an object or has a parameter that the method does not know.
    init(_ params: JSONValue?, of method: ControlCommand.Method, taking names: [String]) throws(ControlError) {
        self.method = method
        guard let members = params.map(\.members) ?? [:] else {
            throw ControlError(.invalidParams, "params must be an object that has the parameters by name")
        }
        self.members = members
        if let name = members.keys.filter({ !names.contains($0) }).min() {
            let known = names.isEmpty ? "none" : names.joined(separator: ", ")
            throw ControlError(
                .invalidParams, "\(method.rawValue) has no parameter '\(name.shortened)'; it takes \(known)")
        }
    }

    func string(_ name: String) throws(ControlError) -> String? {
        switch members[name] {
        case nil: return nil
        case .string(let value): return value
        default: throw ControlError(.invalidParams, "'\(name)' must be a string")
        }
    }

    func required(_ name: String) throws(ControlError) -> String {
        guard let value = try string(name) else {
            throw ControlError(.invalidParams, "\(method.rawValue) needs '\(name)'")
        }
        return value
    }

    /// The name of a snapshot. The name must follow the rules for stream ids, so that it can be displayed and typed.
    func name() throws(ControlError) -> String {
        let name = try required("name")
        guard StreamID.isValid(name) else {
            throw ControlError(.invalidParams, "'name' must be 1 to 255 bytes without control characters")
        }
        return name
    }

    func bool(_ name: String) throws(ControlError) -> Bool {
        switch members[name] {
        case nil: return false
        case .bool(let value): return value
        default: throw ControlError(.invalidParams, "'\(name)' must be true or false")
        }
    }

    /// The new id of an imported stream; nil to keep the exported id.
    func newID() throws(ControlError) -> String? {
        guard let id = try string("as") else { return nil }
        try StreamExport.check(id, "as")
        return id
    }

    func streamExport() throws(ControlError) -> StreamExport {
        var stream = members
        stream["as"] = nil
        return try StreamExport(stream)
    }

    func streams() throws(ControlError) -> [StreamExport] {
        guard case .array(let values) = members["streams"] else {
            throw ControlError(.invalidParams, "'streams' must be an array of objects that 'export' answered")
        }
        return try values.map { value throws(ControlError) in
            guard let members = value.members else {
                throw ControlError(.invalidParams, "'streams' must be an array of objects that 'export' answered")
            }
            return try StreamExport(members)
        }
    }

    func limit() throws(ControlError) -> Int {
        try wholeNumber("limit", in: 1...ControlCommand.maximumLimit) ?? ControlCommand.defaultLimit
    }

    /// A whole number; nil if the parameter is missing.
    func wholeNumber(_ name: String, in range: ClosedRange<Int>) throws(ControlError) -> Int? {
        guard let value = members[name] else { return nil }
        guard case .integer(let number) = value, range.contains(Int(number)) else {
            throw ControlError(
                .invalidParams, "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return Int(number)
    }

    /// A number; nil if the parameter is missing.
    func number(_ name: String) throws(ControlError) -> Double? {
        switch members[name] {
        case nil: return nil
        case .integer(let number): return Double(number)
        case .number(let number): return number
        default: throw ControlError(.invalidParams, "'\(name)' must be a number")
        }
    }

    /// The ids of the requested streams; nil if the request asks for a page instead.
    func ids() throws(ControlError) -> [String]? {
        guard members["ids"] != nil else { return nil }
        guard members.count == 1 else {
            throw ControlError(
                .invalidParams, "'ids' cannot be combined with 'prefix', 'after' or 'limit'; leave those out")
        }
        return try ids("ids", atMost: ControlCommand.maximumNamed)
    }

    /// An array of stream ids; nil if the parameter is missing.
    func ids(_ name: String, atMost maximum: Int) throws(ControlError) -> [String]? {
        guard let value = members[name] else { return nil }
        guard case .array(let values) = value, values.count <= maximum else {
            throw ControlError(.invalidParams, "'\(name)' must be an array of at most \(maximum) stream ids")
        }
        var ids: [String] = []
        for value in values {
            guard case .string(let id) = value else {
                throw ControlError(.invalidParams, "'\(name)' must contain only strings")
            }
            ids.append(id)
        }
        return ids
    }

    func logLevel() throws(ControlError) -> LogLevel? {
        guard let name = try string("level") else { return nil }
        guard let level = LogLevel(rawValue: name) else {
            let known = LogLevel.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(.invalidParams, "'level' must be one of \(known)")
        }
        return level
    }

    func selection() throws(ControlError) -> ControlCommand.Selection? {
        let given = ControlCommand.Selection.parameters.filter { members[$0] != nil }
        guard given.count <= 1 else {
            let named = given.joined(separator: " and ")
            throw ControlError(.invalidParams, "give only one of 'stream', 'prefix' and 'all', not \(named)")
        }
        if let id = try string("stream") { return .stream(id) }
        if let prefix = try string("prefix") { return .prefix(prefix) }
        switch members["all"] {
        case nil: return nil
        case .bool(true): return .all
        default: throw ControlError(.invalidParams, "'all' must be true or left out")
        }
    }

    func requiredSelection() throws(ControlError) -> ControlCommand.Selection {
        guard let selection = try selection() else {
            throw ControlError(.invalidParams, "\(method.rawValue) needs exactly one of 'stream', 'prefix' and 'all'")
        }
        return selection
    }
}
