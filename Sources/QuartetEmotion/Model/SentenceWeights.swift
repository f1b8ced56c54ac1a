/// How much the features that begin at each symbol moved a score.
struct SentenceWeights {
    /// What a score is: one lane's share against another's.
    struct Direction {
        let towards: (lane: Int, factor: Float)
        let from: (lane: Int, factor: Float)
    }

    /// At each symbol, of the lanes that a score lies between.
    private var sums: [SIMD2<Int32>] = []
    private var weights: [Float] = []

    mutating func collect(
        _ found: FoundRows, in rows: UnsafeRawPointer, _ direction: Direction, symbolCount: Int
    ) {
        sums.removeAll(keepingCapacity: true)
        sums.append(contentsOf: repeatElement(.zero, count: symbolCount + 1))
        let (towards, from) = (direction.towards.lane, direction.from.lane)
        sums.withUnsafeMutableBufferPointer { sums in
            found.forEach(in: rows) { row, position in
                sums[position] &+= SIMD2(
                    Int32(row.load(fromByteOffset: towards, as: Int8.self)),
                    Int32(row.load(fromByteOffset: from, as: Int8.self)))
            }
        }
        weights.removeAll(keepingCapacity: true)
        for sum in sums {
            weights.append(Float(sum[0]) * direction.towards.factor - Float(sum[1]) * direction.from.factor)
        }
    }

    /// The sentence with the largest sum, and the symbol in it where the word begins that has the largest share. Sums
    /// count by their size where they are not `isSigned`. Sentences without a word are passed over while others have one.
    func strongest(of text: FoldedText, isSigned: Bool) -> (sentence: Int, focus: Int) {
        var best = (sentence: 0, focus: 0, sum: -Float.infinity)
        var (start, word) = (0, 0)
        for (sentence, end) in text.sentenceEnds.enumerated() {
            var sum: Float = 0
            for index in start..<end { sum += weights[index] }
            var focus = (symbol: start, share: -Float.infinity)
            var hasWord = false
            while word < text.words.count, text.words[word].symbols.lowerBound < end {
                let symbols = text.words[word].symbols
                var share: Float = 0
                for index in symbols { share += weights[index] }
                if !isSigned, sum < 0 { share = -share }
                if share > focus.share { focus = (symbols.lowerBound, share) }
                hasWord = true
                word += 1
            }
            if hasWord || text.words.isEmpty {
                let size = isSigned ? sum : abs(sum)
                if size > best.sum { best = (sentence, focus.symbol, size) }
            }
            start = end
        }
        return (best.sentence, best.focus)
    }
}
