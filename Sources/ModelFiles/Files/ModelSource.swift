/// A model file of any format, before the model is built.
struct ModelSource {
    /// The file's content.
    let form: ExchangeForm
    /// The name of the file's format.
    let format: String
    /// The file itself, if it is a `.keras` archive that was read with its training state; otherwise empty.
    var archive: [UInt8] = []

    /// Reads a file of any format.
    ///
    /// - Parameters:
    ///   - path: The path of the file.
    ///   - withTraining: Whether to read the training state as well.
    /// - Returns: The file's content.
    /// - Throws: ``Defect``.
    static func read(_ path: String, withTraining: Bool = false) throws(Defect) -> ModelSource {
        try ForeignFile.refuseSavedModel(path)
        let file = try FileBytes(path)
        let source = try read(file, path, withTraining: withTraining)
        // The parts of the file were read one after another.
        try file.requireUnchanged()
        return source
    }

    private static func read(_ file: FileBytes, _ path: String, withTraining: Bool) throws(Defect) -> ModelSource {
        let start = try file.prefix(16)
        try ForeignFile.refusePickle(start)
        if let format = KerasFormat(of: start) {
            var source = try kerasFile(file, format, withTraining: withTraining)
            if withTraining, format == .archive { source.archive = try file.all() }
            return source
        }
        guard Safetensors.isLikely(start) else {
            throw Defect(
                .notAModel, "\(start.isEmpty ? "is empty" : "is not a model"); supported: \(supported)")
        }
        let tensors = try Safetensors(file)
        guard ExchangeForm.isForm(tensors) else {
            let form = try TorchModel.read(tensors, path: path)
            return ModelSource(form: form, format: form.sourceFormat ?? TorchModel.format)
        }
        var form = try ExchangeForm(tensors)
        if !withTraining { form.training = nil }
        return ModelSource(
            form: form, format: "Sluice (.safetensors)" + (form.sourceFormat.map { ", from \($0)" } ?? ""))
    }

    #if Keras
    private static let supported =
        "Keras 3 archives (.keras), Keras HDF5 files of a whole model (.h5), .safetensors of Sluice, and of PyTorch "
        + "with a description file beside it"

    private static func kerasFile(
        _ file: FileBytes, _ format: KerasFormat, withTraining: Bool
    ) throws(Defect) -> ModelSource {
        ModelSource(form: try KerasReader.read(file, withTraining: withTraining), format: format.name)
    }
    #else
    private static let supported = ".safetensors of Sluice, and of PyTorch with a description file beside it"

    private static func kerasFile(
        _ file: FileBytes, _ format: KerasFormat, withTraining: Bool
    ) throws(Defect) -> ModelSource {
        throw Defect(
            .unsupported,
            "this build of Sluice does not read \(format.name); run 'sluice convert' of a full build to get a .safetensors "
                + "of it")
    }
    #endif
}
