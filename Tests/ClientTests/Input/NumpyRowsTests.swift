import Foundation
import TestSupport
import Testing

@testable import Client

/// Tests arrays that NumPy 2.4.6 wrote. `tools/make/numpy-fixtures` generates the arrays.
@Suite struct `A NumPy array` {
    struct Fixture: Decodable, CustomTestStringConvertible {
        let name: String
        let shape: [Int]
        let values: [Float]
        let file: Data

        var testDescription: String { name }
    }

    private static func fixtures() throws -> [Fixture] {
        try String(contentsOf: Fixtures.url("numpy/arrays.jsonl"), encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Fixture.self, from: Data($0.utf8))
        }
    }

    private static func fixture(_ name: String) throws -> Fixture {
        try #require(try fixtures().first { $0.name == name })
    }

    private func layout(_ stream: String? = "s", takesTokens: Bool = false, skips: Bool = false) throws -> RowLayout {
        var layout = try RowLayout(stream: stream, skipsBadRows: skips, numbersSequences: stream == nil)
        layout.takesTokens = takesTokens
        return layout
    }

    @Test func `sequences become rows, whatever the type, order and version of the array`() throws {
        let fixtures = try Self.fixtures().filter { $0.shape == [2, 3, 2] && !$0.values.isEmpty }
        #expect(fixtures.count == 27)
        for fixture in fixtures {
            let rows = try InputFile(bytes: fixture.file).rows(layout())
            #expect(rows.flatMap(\.values) == fixture.values, "\(fixture.name)")
            #expect(rows.map(\.timesteps) == [3, 3] && rows.allSatisfy { $0.flags == [.start, .end] })
            #expect(rows.map(\.stream) == ["s", "s"])
        }
    }

    @Test(arguments: ["one sequence", "one sequence in Fortran order"])
    func `the timesteps of a single sequence become rows`(name: String) throws {
        let fixture = try Self.fixture(name)
        let rows = try InputFile(bytes: fixture.file).rows(layout())
        #expect(rows.flatMap(\.values) == fixture.values)
        #expect(rows.map(\.timesteps) == [1, 1, 1, 1, 1, 1] && rows.allSatisfy { $0.flags == [] })
        #expect(try RowSource(InputFile(bytes: fixture.file), layout: layout()).isOneSequence)
    }

    @Test func `arrays of tokens have no axis of features`() throws {
        let many = try InputFile(bytes: Self.fixture("tokens").file).rows(layout(takesTokens: true))
        #expect(many.map(\.values) == [[0, 1, 2, 3], [4, 0, 1, 2], [3, 4, 0, 1]])
        #expect(many.map(\.timesteps) == [4, 4, 4])
        let one = try InputFile(bytes: Self.fixture("one sequence of tokens").file).rows(layout(takesTokens: true))
        #expect(one.map(\.values) == [[0], [1], [2], [3], [4], [0], [1]])
    }

    @Test func `sequences without a stream are numbered on request`() throws {
        let file = try Self.fixture("f4 in C order").file
        #expect(try InputFile(bytes: file).rows(layout(nil)).map(\.stream) == ["1", "2"])
        #expect(try InputFile(bytes: Self.fixture("no sequence").file).rows(layout(nil)).isEmpty)
        expect(file, try RowLayout(), .usage, "file: a .npy array names no streams; give --stream ID")
    }

    @Test(arguments: [
        ("four axes", "the shape is (1, 2, 3, 2), but the model takes (timesteps, features) and (sequences,"),
        ("one axis", "features); one value in a timestep is x[:, numpy.newaxis]"),
        ("no axis", "the shape is (), but"),
        ("no features", "an array of the shape (2, 3, 0) has no values"),
        ("complex", "the array's type is '<c8'; save numbers with numpy.save(file, x.astype(\"float32\"))"),
        ("text", "the array's type is '<U1'; save numbers"),
        ("objects", "the array's type is Python objects, which are not read; save numbers"),
        ("records", "the array's type is '[('a', '<f4'), ('b', '<i4')]'; save numbers"),
        ("not finite", "file[1, 1, 1]: nan is not a finite number"),
        ("too large for float32", "file[2, 1]: inf is not a finite number"),
    ])
    func `the error about an unreadable array names the reason`(name: String, message: String) throws {
        expect(try Self.fixture(name).file, try layout(), .data, message)
    }

    @Test func `a sequence with an invalid number is skipped on request`() throws {
        let file = try InputFile(bytes: Self.fixture("not finite").file)
        #expect(try file.rows(layout(skips: true)).map(\.values) == [[0, 1, 2, 3, -4, 5]])
    }

    @Test(arguments: ["f8 in C order", "f8, big-endian, in Fortran order", "one sequence"])
    func `an array that is truncated anywhere is refused`(name: String) throws {
        let bytes = try Array(Self.fixture(name).file)
        for count in 1..<bytes.count {
            let error = #expect(throws: ClientError.self) {
                try InputFile(bytes: bytes.prefix(count)).rows(layout(skips: true))
            }
            #expect(error?.status == .data && error?.message.contains("cut") == true, "\(String(describing: error))")
        }
    }

    @Test func `other data after the array leads to an error`() throws {
        let file = try Self.fixture("f4 in C order").file
        expect(file + file, try layout(), .data, "file: other data follows the array; give one array in a file")
    }

    @Test(arguments: [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296), }",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (4294967296, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4294967296, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }",
        "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4", "", "{", "{'shape': (((",
    ])
    func `an invalid header is refused without a large allocation, even if its shape is huge`(text: String) throws {
        let bytes = NumpyHeader.magic + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
        let error = #expect(throws: ClientError.self) { try InputFile(bytes: bytes).rows(layout()) }
        #expect(error?.status == .data)
    }

    @Test func `a shape in Python 2's notation is read`() throws {
        let text = "{'shape': (2L, 1L), 'fortran_order': False, 'descr': \"|u1\"}"
        let bytes = NumpyHeader.magic + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8) + [7, 255]
        #expect(try InputFile(bytes: bytes).rows(layout()).map(\.values) == [[7], [255]])
    }

    @Test func `options that name columns are refused for an array`() throws {
        let layout = try RowLayout(stream: "s", valueColumns: ["x"])
        expect(try Self.fixture("f4 in C order").file, layout, .usage, "file: a .npy array has no columns")
    }

    private func expect(_ bytes: Data, _ layout: RowLayout, _ status: Client.ExitStatus, _ message: String) {
        let error = #expect(throws: ClientError.self) { try InputFile(bytes: bytes).rows(layout) }
        #expect(error?.status == status && error?.message.contains(message) == true, "\(String(describing: error))")
    }
}
