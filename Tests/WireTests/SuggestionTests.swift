import Testing
import Wire

@Suite struct `A suggestion` {
    @Test(arguments: [
        ("mashine-1", "machine-1"), ("MACHINE-2", "machine-2"), ("machien-2", "machine-2"), ("zebra", nil), ("v", "V"),
        ("w", nil), ("spe", "sped"), ("", nil),
    ])
    func `a suggestion is the known word with the fewest changes, if they are few`(word: String, similar: String?) {
        let known = ["machine-1", "machine-2", "V", "speed", "sped"]
        #expect(Suggestion.nearest(to: word, among: known) == similar)
    }

    @Test(arguments: ["machine-1", "Mashine-1", "mashne-1", "mashinee-1", "mashnie-1", "mashine1"])
    func `the ids with one change include the intended id`(meant: String) {
        #expect(Suggestion.withOneChange("mashine-1").contains(meant))
    }

    @Test func `the number of ids with one change is bounded by the length of the id`() {
        #expect(Suggestion.withOneChange("ab").count < 400)
        #expect(Suggestion.withOneChange("").allSatisfy { $0.count == 1 })
        #expect(Suggestion.withOneChange(String(repeating: "a", count: 255)).count < 40_000)
    }
}
