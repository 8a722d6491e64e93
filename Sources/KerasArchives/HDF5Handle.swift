#if Keras
import CHDF5
import ModelFiles

/// The identifier of an open HDF5 object. The object is closed when the handle goes out of scope.
struct HDF5Handle: ~Copyable {
    let id: hid_t
    private let close: @convention(c) (hid_t) -> herr_t

    /// Takes ownership of the object that a call has opened.
    ///
    /// - Parameters:
    ///   - id: The result of the call, negative if it failed.
    ///   - close: The library function that closes this kind of object.
    ///   - what: The name of the object, for the error.
    /// - Throws: ``Defect`` with the code `corrupt` if the call failed.
    init(_ id: hid_t, close: @convention(c) (hid_t) -> herr_t, _ what: @autoclosure () -> String) throws(Defect) {
        guard id >= 0 else { throw Defect(.corrupt, "HDF5: \(what()) cannot be opened") }
        self.id = id
        self.close = close
    }

    deinit {
        _ = close(id)
    }
}
#endif
