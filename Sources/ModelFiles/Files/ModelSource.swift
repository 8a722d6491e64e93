/// A model file of any format, before the model is built.
struct ModelSource {
    /// The file's content.
    let form: ExchangeForm
    /// The name of the file's format.
    let format: String

    /// Reads a file of any format.
    ///
    /// - Throws: ``Defect``.
    static func read(_ path: String) throws(Defect) -> ModelSource {
        let file = try FileBytes(path)
        let start = try file.prefix(16)
        if let format = KerasFormat(of: start) {
            return try kerasFile(file, format)
        }
        guard Safetensors.isLikely(start) else {
            throw Defect(
                .notAModel, "\(start.isEmpty ? "is empty" : "is not a model"); supported: \(supported)")
        }
        let tensors = try Safetensors(file.all())
        guard ExchangeForm.isForm(tensors) else {
            return ModelSource(form: try TorchModel.read(tensors, path: path), format: TorchModel.format)
        }
        let form = try ExchangeForm(tensors)
        return ModelSource(
            form: form, format: "Sluice (.safetensors)" + (form.sourceFormat.map { ", from \($0)" } ?? ""))
    }

    #if Keras
    private static let supported =
        "Keras 3 archives (.keras), Keras HDF5 files of a whole model (.h5), .safetensors of Sluice, and of PyTorch "
        + "with a description file beside it"

    private static func kerasFile(_ file: borrowing FileBytes, _ format: KerasFormat) throws(Defect) -> ModelSource {
        ModelSource(form: try KerasReader.read(file), format: format.name)
    }
    #else
    private static let supported = ".safetensors of Sluice, and of PyTorch with a description file beside it"

    private static func kerasFile(_ file: borrowing FileBytes, _ format: KerasFormat) throws(Defect) -> ModelSource {
        throw Defect(
            .unsupported,
            "this build of Sluice does not read \(format.name); run 'sluice convert' of a full build to get a .safetensors "
                + "of it")
    }
    #endif
}
