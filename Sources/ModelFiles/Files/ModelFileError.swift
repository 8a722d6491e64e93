/// Why a model file was not read, or not written. Caught by ``code``; ``description`` is for people.
public struct ModelFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of thing was wrong.
    public enum Code: String, CaseIterable, Codable, Equatable, Sendable {
        /// There is no file of that path.
        case notFound
        /// The file is there but its bytes could not be read: rights, a directory, too large.
        case unreadable
        /// The bytes are those of something else than a Keras model.
        case notAModel
        /// A Keras model, but parts of it are damaged, missing or contradict each other.
        case corrupt
        /// A sound model that needs something that Sluice does not compute.
        case unsupported
        /// A file that was to be written is there already.
        case exists
        /// A file could not be written: rights, no room, something else of that name.
        case notWritten
    }

    /// What kind of thing was wrong.
    public let code: Code
    /// The path as it was given to ``ModelFile/read(_:)`` or ``ModelFile/convert(_:to:replacing:mode:)``.
    public let path: String
    /// The name of the layer in question, where there is one.
    public let layer: String?
    /// What was found and, where something is not supported, what is; layers stand with their name and class.
    public let context: String

    /// The path and the context, always in one line and of bounded length.
    public var description: String { "\(path): \(context)".foldedToOneLine }
}

/// What is wrong with a file, as the code that finds it knows it: without the file's path, and within one layer
/// without the layer's name. ``ModelFile/read(_:)`` makes a ``ModelFileError`` of it.
package struct Defect: Error, Codable, Equatable {
    /// What kind of thing is wrong.
    package let code: ModelFileError.Code
    /// The name of the layer in question, where there is one.
    package var layer: String?
    /// What was found, and what would be supported.
    package let context: String

    package init(_ code: ModelFileError.Code, layer: String? = nil, _ context: String) {
        self.code = code
        self.layer = layer
        self.context = context
    }

    /// The same defect as one of a layer, unless it is one already.
    package func inLayer(_ name: String, className: String) -> Defect {
        layer == nil ? Defect(code, layer: name, "layer '\(name)' (\(className)): \(context)") : self
    }
}

extension String {
    /// The text without line breaks and other control characters, cut after 1,000 characters: names within a model file
    /// and texts from libraries may hold anything.
    var foldedToOneLine: String {
        let maximum = 1000
        let isBreak = { (scalar: Unicode.Scalar) in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
        let line = unicodeScalars.prefix(maximum).split(whereSeparator: isBreak).map(String.init).joined(separator: " ")
        return unicodeScalars.count > maximum ? line + " …" : line
    }
}
