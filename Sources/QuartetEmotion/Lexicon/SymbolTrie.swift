/// A map from strings of symbols to numbers, walked one symbol at a time: a double array, so that a step is one
/// addition and one comparison.
struct SymbolTrie {
    private struct Node {
        /// Where the children lie: the child for symbol s is at `base + s`.
        var base: Int32 = 0
        /// The parent; -1 where the place is free.
        var parent: Int32 = -1
        /// What the string that ends here maps to; -1 for nothing.
        var value: Int32 = -1
    }

    private var nodes: [Node] = []
    static let root = 0

    /// Keys must be distinct and non-empty, values non-negative.
    init(_ pairs: [(key: [UInt8], value: Int)]) {
        let sorted = pairs.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        nodes = Array(repeating: Node(), count: 512)
        nodes[Self.root].parent = 0
        var open: [(node: Int, range: Range<Int>, depth: Int)] = [(Self.root, sorted.indices, 0)]
        var lastBase = 1
        while let (node, range, depth) = open.popLast() {
            var range = range
            if let first = range.first, sorted[first].key.count == depth {
                nodes[node].value = Int32(sorted[first].value)
                range = first + 1..<range.upperBound
            }
            let children = Self.children(of: range, depth: depth, in: sorted)
            guard !children.isEmpty else { continue }
            let base = placeChildren(children.map(\.symbol), behind: &lastBase)
            nodes[node].base = Int32(base)
            for child in children {
                nodes[base + Int(child.symbol)].parent = Int32(node)
                open.append((base + Int(child.symbol), child.range, depth + 1))
            }
        }
    }

    private static func children(
        of range: Range<Int>, depth: Int, in sorted: [(key: [UInt8], value: Int)]
    ) -> [(symbol: UInt8, range: Range<Int>)] {
        var children: [(symbol: UInt8, range: Range<Int>)] = []
        for index in range {
            let symbol = sorted[index].key[depth]
            if let last = children.last, last.symbol == symbol {
                children[children.count - 1].range = last.range.lowerBound..<index + 1
            } else {
                children.append((symbol, index..<index + 1))
            }
        }
        return children
    }

    /// How far before the last place the next one is looked for: were it at the beginning, each node would try all the gaps
    /// again that did for none before it.
    private static let reach = 64

    private mutating func placeChildren(_ symbols: [UInt8], behind lastBase: inout Int) -> Int {
        var base = max(1, lastBase - Self.reach)
        defer { lastBase = max(lastBase, base) }
        while true {
            // A whole alphabet is kept free behind the last base: no step needs a check of the bounds.
            if base + 512 > nodes.count { nodes += Array(repeating: Node(), count: nodes.count) }
            if isFree(base, symbols) { return base }
            base += 1
        }
    }

    private func isFree(_ base: Int, _ symbols: [UInt8]) -> Bool {
        for symbol in symbols where nodes[base + Int(symbol)].parent >= 0 { return false }
        return true
    }

    /// The node one symbol further, nil where no key goes on so.
    @inline(__always)
    func step(_ node: Int, _ symbol: UInt8) -> Int? {
        let next = Int(nodes[node].base) + Int(symbol)
        return nodes[next].parent == Int32(node) && next != Self.root ? next : nil
    }

    /// What the key that ends at this node maps to.
    @inline(__always)
    func value(at node: Int) -> Int? {
        let value = nodes[node].value
        return value < 0 ? nil : Int(value)
    }

    /// What exactly this key maps to.
    @inline(__always)
    func value(of key: ArraySlice<UInt8>) -> Int? {
        var node = Self.root
        for symbol in key {
            guard let next = step(node, symbol) else { return nil }
            node = next
        }
        return value(at: node)
    }
}
