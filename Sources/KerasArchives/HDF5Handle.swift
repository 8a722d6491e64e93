#if Keras
import CHDF5
import ModelFiles

/// One of the HDF5 library's numbers for an open thing, closed when the handle goes out of scope.
struct HDF5Handle: ~Copyable {
    let id: hid_t
    private let close: @convention(c) (hid_t) -> herr_t

    /// Takes over what a call opened.
    ///
    /// - Parameters:
    ///   - id: What the call returned: negative where it failed.
    ///   - close: The library's function that closes this sort of thing.
    ///   - what: The thing in words, for the error.
    /// - Throws: ``Defect`` with the code `corrupt` where the call failed.
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
