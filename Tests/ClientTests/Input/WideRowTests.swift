import Testing

@testable import Client

@Suite struct `A row per sequence` {
    /// Reads all rows and divides them into timesteps.
    private func read(_ text: String, features: Int, _ layout: RowLayout) throws -> [InputRow] {
        try InputFile(bytes: text.utf8).rows(layout).map { row in
            var row = row
            try row.fit(features: features, vocabulary: nil, place: "here")
            return row
        }
    }

    private func layout(
        _ stream: String? = "s", streamColumn: String? = nil, values: [String]? = nil, sequence: String? = nil,
        label: String? = nil, hasHeader: Bool = true
    ) throws -> RowLayout {
        try RowLayout(
            stream: stream, streamColumn: streamColumn, valueColumns: values, sequenceColumn: sequence,
            label: label.map { RowLayout.Label($0, isRequired: true) }, hasHeader: hasHeader, isWide: true,
            numbersSequences: stream == nil)
    }

    @Test func `the columns are grouped into timesteps in the file's order`() throws {
        let rows = try read("a0,b0,a1,b1\n1,2,3,4\n5,6,7,8\n", features: 2, layout())
        #expect(rows.map(\.values) == [[1, 2, 3, 4], [5, 6, 7, 8]])
        #expect(rows.allSatisfy { $0.timesteps == 2 && $0.flags == [.start, .end] })
        let chosen = try read("a0,b0,a1,b1\n1,2,3,4\n", features: 1, layout(values: ["b1", "a0"]))
        #expect(chosen.map(\.values) == [[4, 1]] && chosen.map(\.timesteps) == [2])
    }

    @Test func `columns that other options name are not values`() throws {
        let text = "name,trip,class,v1,v2\nm,x,1,5,6\n"
        let layout = try layout(nil, streamColumn: "name", sequence: "trip", label: "class")
        let row = try #require(try read(text, features: 1, layout).first)
        #expect(row.stream == "m" && row.sequenceName == "x" && row.label == 1 && row.values == [5, 6])
        let bare = try read("1,5,6\n0,7,8\n", features: 1, self.layout(nil, label: "1", hasHeader: false))
        #expect(bare.map(\.values) == [[5, 6], [7, 8]] && bare.map(\.label) == [1, 0])
        #expect(bare.map(\.stream) == ["1", "2"], "sequences without a stream are numbered")
    }

    @Test func `empty fields at the end make a sequence shorter`() throws {
        let rows = try read("a,b,c,d\n1,2,,\n1,2,3,4\n", features: 2, layout())
        #expect(rows.map(\.timesteps) == [1, 2])
        for (text, message) in [
            ("a,b\n1,\n", "here: the sequence has 1 value, which is not a multiple of the 2 in a timestep"),
            ("a,b\n,\n", "file:2: the sequence has no values"), ("a,b,c\n1,,3\n", "file:2: '' in column 'b' is not"),
            ("a,b,c,d\n1,2\n", "file:2: 2 fields where the header has 4"),
        ] {
            let error = #expect(throws: ClientError.self) { try read(text, features: 2, layout()) }
            #expect(error?.message.hasPrefix(message) == true, "\(String(describing: error))")
        }
    }

    @Test func `JSON rows are whole sequences too`() throws {
        let text = #"[{"values":[1,2,3,4]},{"stream":"t","values":[[5,6],[7,8]]},[1,2]]"#
        let rows = try read(text, features: 2, layout(nil))
        #expect(rows.map(\.stream) == ["1", "t", "3"] && rows.map(\.timesteps) == [2, 2, 1])
        #expect(rows.allSatisfy { $0.flags == [.start, .end] })
    }

    @Test func `a long sequence is sent in several messages`() {
        var row = InputRow(stream: "s", values: [1, 2, 3, 4, 5, 6], timesteps: 3, sequence: 5, flags: [.start, .end])
        #expect(row.parts(limit: 6) == [row])
        row.areTokens = true
        let parts = row.parts(limit: 5)
        #expect(parts.map(\.values) == [[1, 2, 3, 4], [5, 6]] && parts.map(\.timesteps) == [2, 1])
        #expect(parts.map(\.sequence) == [5, 7] && parts.map(\.flags) == [.start, .end])
        #expect(parts.allSatisfy { $0.areTokens })
        #expect(row.parts(limit: 1).map(\.flags) == [.start, [], .end])
    }
}
