/// How much the features that begin at each symbol moved a score.
struct SentenceWeights {
    /// What a score is: one lane's share against another's.
    struct Direction {
        let towards: (lane: Int, factor: Float)
        let from: (lane: Int, factor: Float)
    }

    private var weights: [Float] = []

    mutating func collect(
        _ found: FoundRows, in rows: UnsafeRawPointer, _ direction: Direction, symbolCount: Int
    ) {
        weights.removeAll(keepingCapacity: true)
        weights.append(contentsOf: repeatElement(0, count: symbolCount + 1))
        weights.withUnsafeMutableBufferPointer { weights in
            found.forEach(in: rows) { row, position in
                let towards = Float(row.load(fromByteOffset: direction.towards.lane, as: Int8.self))
                let from = Float(row.load(fromByteOffset: direction.from.lane, as: Int8.self))
                weights[position] += towards * direction.towards.factor - from * direction.from.factor
            }
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
