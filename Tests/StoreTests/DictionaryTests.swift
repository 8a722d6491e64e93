import GRDB
import Store
import TestSupport
import Testing
import Wire

@Suite struct `Stored dictionaries` {
    private let folder: TemporaryFolder
    private let dictionaries: [StreamDictionary]

    init() throws {
        folder = try TemporaryFolder()
        dictionaries = try ["a", "b", "c"].map { try StreamDictionary(ids: [Array($0.utf8), Array("meter 流".utf8)]) }
    }

    private func store() throws -> StateStore {
        let store = try StateStore(folder: folder.path)
        try store.begin()
        return store
    }

    @Test func `the store has exactly the dictionaries that were last kept, in their order`() throws {
        do {
            let store = try store()
            #expect(try store.dictionaries() == [])
            try store.keep(Array(dictionaries[..<2]))
            try store.keep([dictionaries[1], dictionaries[2]])
            try store.end()
        }
        let again = try store()
        #expect(try again.dictionaries() == [dictionaries[1], dictionaries[2]])
        try again.keep([])
        #expect(try again.dictionaries() == [])
    }

    @Test(arguments: ["ids = X'6200'", "ids = X'6200630000'", "hash = 7", "ids = ''"])
    func `a damaged dictionary is left out, and the others are kept`(damage: String) throws {
        do {
            let store = try store()
            try store.keep(dictionaries)
            try store.end()
        }
        let queue = try DatabaseQueue(path: folder.path(StateStore.fileName))
        try queue.write { try $0.execute(sql: "UPDATE dictionary SET \(damage) WHERE number = 2") }
        try queue.close()
        #expect(try store().dictionaries() == [dictionaries[0], dictionaries[2]])
    }
}
