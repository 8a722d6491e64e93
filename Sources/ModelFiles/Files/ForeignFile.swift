import Glibc

/// Recognizes files of other programs that users pass to Sluice. Each error message says what the file is and what to
/// do instead.
package enum ForeignFile {
    /// A checkpoint that `torch.save` wrote.
    package static let torch =
        "is a PyTorch checkpoint; save the weights as .safetensors, with "
        + "safetensors.torch.save_file(model.state_dict(), 'model.safetensors'), and name the layers in model.yaml beside it"

    /// A file of Keras 1, whose layers have other options.
    package static let keras1 =
        "was written by Keras 1; load the file with Keras 2 (pip install keras==2.3.1 tensorflow==1.15) and save it again"

    private static let savedModel =
        "is a SavedModel of TensorFlow; save the model as one file: "
        + "tf_keras.models.load_model('FOLDER').save('model.h5'), with tf_keras or TensorFlow 2.15 and older"

    /// Returns whether Keras 1 wrote a configuration. The first versions of Keras 1 did not write a version.
    package static func isKeras1(configuration: String, version: String?) -> Bool {
        version?.hasPrefix("1.") ?? (configuration.contains(#""inner_init""#) || configuration.contains(#""init":"#))
    }

    /// Refuses a SavedModel, whether the path is its folder or its `saved_model.pb`.
    ///
    /// - Parameter path: The path that the user gave.
    /// - Throws: ``Defect`` with the code `notAModel`.
    static func refuseSavedModel(_ path: String) throws(Defect) {
        let name = "saved_model.pb"
        let isFolder = unsafe access("\(path)/\(name)", F_OK) == 0
        guard isFolder || path.hasSuffix("/\(name)") || path == name else { return }
        throw Defect(.notAModel, savedModel)
    }

    /// Refuses a file that begins like a Python pickle.
    ///
    /// - Parameter start: The first bytes of the file.
    /// - Throws: ``Defect`` with the code `notAModel`.
    static func refusePickle(_ start: [UInt8]) throws(Defect) {
        guard start.count > 2, start[0] == 0x80, (2...5).contains(start[1]) else { return }
        throw Defect(.notAModel, "is a Python pickle, which can run code. If the file \(torch)")
    }
}
