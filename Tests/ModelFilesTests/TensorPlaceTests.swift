import Foundation
import Recurrent
import TestSupport
import Testing

@testable import ModelFiles

@Suite struct `A weight that is still in its file` {
    private let folder: TemporaryFolder
    private let path: String

    /// Writes a file of the floats 0 to 11.
    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("numbers")
        let bytes = (0..<12).flatMap { number in
            (0..<4).map { UInt8(truncatingIfNeeded: Float(number).bitPattern >> (8 * $0)) }
        }
        try Data(bytes).write(to: folder.url("numbers"))
    }

    private func form(_ tensors: [NamedTensor] = [], places: [TensorPlace]) throws -> ExchangeForm {
        try ExchangeForm(
            architecture: Array("{}".utf8), kerasVersion: nil, sourceFormat: nil, tensors: tensors, places: places)
    }

    @Test func `the weight is read from its place`() throws {
        let places = [TensorPlace(name: "b", shape: [2, 3], start: 8), TensorPlace(name: "a", shape: [], start: 44)]
        let other = NamedTensor(name: "aa", tensor: try Tensor(shape: [1], values: [0.5]))
        let filled = try form([other], places: places).filled(from: FileBytes(path))
        #expect(filled.tensors.map(\.name) == ["a", "aa", "b"])
        #expect(filled.tensors[0].tensor == (try Tensor(shape: [], values: [11])))
        #expect(filled.tensors[2].tensor == (try Tensor(shape: [2, 3], values: [2, 3, 4, 5, 6, 7])))
    }

    @Test func `the places pass through the answer of another process`() throws {
        let places = [TensorPlace(name: "a", shape: [4, 3], start: 0)]
        let answer = try #require(KerasReader.decode(form(places: places).bytes))
        #expect(answer.tensors.isEmpty)
        #expect(try answer.filled(from: FileBytes(path)).tensors[0].tensor.values == (0..<12).map(Float.init))
    }

    @Test(
        arguments: [
            ([13], 0), ([12], 1), ([1], 48), ([1], 45), ([1], -4), ([1], .min), ([1], .max), ([0], 0), ([-1], 0),
            ([.max, .max], 0), ([1 << 62], 0), ([1 << 31, 1 << 31, 4], 0),
        ] as [([Int], Int)])
    func `a place outside the file is refused`(shape: [Int], start: Int) throws {
        let form = try form(places: [TensorPlace(name: "a", shape: shape, start: start)])
        #expect(throws: Defect.self) { try form.filled(from: FileBytes(path)) }
    }

    @Test func `places that are together larger than the file are refused`() throws {
        let places = ["a", "b"].map { TensorPlace(name: $0, shape: [7], start: 0) }
        #expect(throws: Defect.self) { try form(places: places).filled(from: FileBytes(path)) }
    }

    @Test func `two weights of one name are refused`() throws {
        let places = [TensorPlace(name: "a", shape: [1], start: 0)]
        let other = NamedTensor(name: "a", tensor: try Tensor(shape: [1], values: [0.5]))
        #expect(throws: Defect.self) { try form([other], places: places).filled(from: FileBytes(path)) }
    }

    @Test func `a file that was written while it was read is refused`() throws {
        let file = try FileBytes(path)
        try file.requireUnchanged()
        let writer = try FileHandle(forWritingTo: folder.url("numbers"))
        try writer.seekToEnd()
        try writer.write(contentsOf: Data([1]))
        #expect(throws: Defect.self) { try file.requireUnchanged() }
    }
}
