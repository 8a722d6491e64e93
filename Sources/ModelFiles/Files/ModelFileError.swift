/// The reason a model file could not be read or written. Catch by ``code``; ``description`` is for humans.
package struct ModelFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of error.
    package enum Code: String, CaseIterable, Codable, Equatable, Sendable {
        /// The path does not exist.
        case notFound
        /// The file exists, but its bytes cannot be read: the user lacks permission, the file is a directory, or it is
        /// too large.
        case unreadable
        /// The file is not a model.
        case notAModel
        /// The file is a model, but parts of it are damaged, missing or contradictory.
        case corrupt
        /// The model is valid but needs something that Sluice does not support.
        case unsupported
        /// The output file already exists.
        case exists
        /// The output file cannot be written: the user lacks permission, the disk is full, or the name belongs to a
        /// special file.
        case notWritten
    }

    /// The kind of error.
    package let code: Code
    /// The path as passed to ``ModelFile/read(_:)`` or ``ModelFile/convert(_:to:replacing:mode:)``.
    package let path: String
    /// The name of the layer at fault, if there is one.
    package let layer: String?
    /// The problem and, for an unsupported feature, the supported alternatives. Layers appear with their name and
    /// class.
    package let context: String

    /// The path and the context, always on one line and of bounded length.
    package var description: String { "\(path): \(context)".foldedToOneLine }
}

/// A problem with a file, thrown by code that does not know the file's path. If the code handles only one layer, it
/// does not know the layer's name either. ``ModelFile/read(_:)`` turns a defect into a ``ModelFileError``.
package struct Defect: Error, Codable, Equatable {
    /// The kind of error.
    package let code: ModelFileError.Code
    /// The name of the layer at fault, if there is one.
    package var layer: String?
    /// The problem and the supported alternatives.
    package let context: String

    package init(_ code: ModelFileError.Code, layer: String? = nil, _ context: String) {
        self.code = code
        self.layer = layer
        self.context = context
    }

    /// Adds a layer's name to the defect, unless the defect already has one.
    package func inLayer(_ name: String, className: String) -> Defect {
        layer == nil ? Defect(code, layer: name, "layer '\(name)' (\(className)): \(context)") : self
    }
}

extension String {
    /// The text without line breaks and other control characters, truncated after 1,000 characters. Names in a model
    /// file and messages from libraries may contain anything.
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
