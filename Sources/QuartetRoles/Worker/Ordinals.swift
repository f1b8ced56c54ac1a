/// The ordinals of a manifest that have no card yet, in order: where segments may still be inserted, as ``CardSegment`` says.
package struct Ordinals {
    private var isMissing: [Bool]
    private var next = 0
    package private(set) var count: Int

    package init(count: Int) {
        isMissing = Array(repeating: true, count: count)
        self.count = count
    }

    package var isEmpty: Bool { count == 0 }

    package mutating func remove(_ ordinal: Int) {
        guard isMissing.indices.contains(ordinal), isMissing[ordinal] else { return }
        isMissing[ordinal] = false
        count -= 1
    }

    /// The next missing ordinals that follow one another, at most `max`; none when none is left. So a segment made of them
    /// begins where what is stored ends, and reaches no further than to where something is stored again.
    package mutating func popRun(max: Int) -> [Int] {
        while next < isMissing.count, !isMissing[next] { next += 1 }
        let start = next
        while next < isMissing.count, isMissing[next], next - start < max { next += 1 }
        count -= next - start
        return Array(start..<next)
    }
}
