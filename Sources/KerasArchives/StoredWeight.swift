#if Keras
import ModelFiles

/// A weight of a Keras file.
enum StoredWeight: Sendable {
    /// The numbers, if the file does not hold them as little-endian floats.
    case tensor(NamedTensor)
    /// The place of the numbers in the file, so that they need not be copied here.
    case place(TensorPlace)

    var tensor: NamedTensor? { if case .tensor(let tensor) = self { tensor } else { nil } }
    var place: TensorPlace? { if case .place(let place) = self { place } else { nil } }
}
#endif
