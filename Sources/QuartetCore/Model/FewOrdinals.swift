/// The ordinals of a word's or an aspect's strongest cards, at most three, the strongest first. Kept in place: an analysis has
/// a hundred of them, and an array each would be an allocation each.
package struct FewOrdinals: Hashable, Sendable {
    package static let countMax = 3

    /// Unused places are 0.
    private var ordinals = InlineArray<3, Int32>(repeating: 0)
    package private(set) var count = 0

    package init() {}

    /// The first ones of `ordinals`.
    package init(_ ordinals: some Sequence<Int>) {
        for ordinal in ordinals.prefix(Self.countMax) { append(ordinal) }
    }

    package mutating func append(_ ordinal: Int) {
        precondition(count < Self.countMax, "few are three")
        ordinals[count] = Int32(clamping: ordinal)
        count += 1
    }

    package static func == (left: FewOrdinals, right: FewOrdinals) -> Bool {
        left.count == right.count && left.ordinals.indices.allSatisfy { left.ordinals[$0] == right.ordinals[$0] }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for ordinal in self { hasher.combine(ordinal) }
    }
}

extension FewOrdinals: RandomAccessCollection, ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: Int...) { self.init(elements) }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(place: Int) -> Int {
        precondition(place < count, "beyond the last ordinal")
        return Int(ordinals[place])
    }
}
