package import QuartetCore

/// How good the aspects are that are found in labelled texts. A found one is right where a labelled one has the same name,
/// or one name holds the other, synonyms taken together; each labelled one is met once.
package struct AspectEvaluation: Sendable {
    /// What people found in a text.
    package struct Label: Hashable, Sendable {
        package let term: String
        package let isGood: Bool
        package let category: AspectCategory
    }

    package private(set) var textCount = 0
    package private(set) var labelled = 0
    package private(set) var found = 0
    package private(set) var met = 0
    private var polarityRight = 0
    private var categoryRight = 0

    package init() {}

    package var precision: Double { Self.share(met, of: found) }
    package var recall: Double { Self.share(met, of: labelled) }
    package var f1: Double { Self.share(2 * met, of: found + labelled) }
    /// Of those that were met.
    package var polarity: Double { Self.share(polarityRight, of: met) }
    package var category: Double { Self.share(categoryRight, of: met) }

    private static func share(_ part: Int, of whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }

    package mutating func add(_ aspects: [Aspect], labels: [Label]) {
        textCount += 1
        labelled += labels.count
        found += aspects.count
        var open = labels
        for aspect in aspects {
            // Of two labels with one name, the one of the same side is meant.
            let matching = open.indices.filter { Self.isSame(open[$0].term, aspect.term) }
            let sameSide = matching.first { open[$0].isGood == (aspect.polarity.value > 0) }
            guard let index = sameSide ?? matching.first else { continue }
            met += 1
            if open[index].isGood == (aspect.polarity.value > 0) { polarityRight += 1 }
            if open[index].category == aspect.category { categoryRight += 1 }
            open.remove(at: index)
        }
    }

    private static func isSame(_ label: String, _ term: String) -> Bool {
        let name = AspectLexicon.standard.name(of: label) ?? label
        return name == term || name.contains(term) || term.contains(name)
    }

    /// A line `text TAB term + category; term - category`; nil where it is none. A text may have no aspect.
    package static func line(_ line: some StringProtocol) -> (text: String, labels: [Label])? {
        let fields = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
        guard fields.count == 2, !fields[0].isEmpty else { return nil }
        var labels: [Label] = []
        for entry in fields[1].split(separator: ";") {
            let words = entry.split(separator: " ")
            guard words.count >= 3, let category = AspectCategory(rawValue: String(words[words.count - 1])),
                words[words.count - 2] == "+" || words[words.count - 2] == "-"
            else { return nil }
            labels.append(
                Label(
                    term: words.dropLast(2).joined(separator: " "), isGood: words[words.count - 2] == "+",
                    category: category))
        }
        return (String(fields[0]), labels)
    }
}
