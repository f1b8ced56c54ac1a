/// How the cards that name one word feel, and the strongest of them on either side.
struct KeywordTally: Sendable {
    private(set) var count = 0
    private(set) var positive = 0
    private(set) var negative = 0
    private var polaritySum = 0
    private var best = StrongestCards()
    private var worst = StrongestCards()

    mutating func add(_ polarity: Fraction, ordinal: Int) {
        count += 1
        polaritySum += Int(polarity.tenThousandths)
        switch polarity.side {
        case .positive:
            positive += 1
            best.add(ordinal, strength: Int(polarity.tenThousandths))
        case .negative:
            negative += 1
            worst.add(ordinal, strength: -Int(polarity.tenThousandths))
        case .neutral: break
        }
    }

    var polarity: Fraction { Fraction.mean(polaritySum, of: count) }

    func keyword(_ term: String) -> KeywordDetails.Keyword {
        KeywordDetails.Keyword(
            term: term, count: count, positive: positive, negative: negative, polarity: polarity,
            best: best.ordinals, worst: worst.ordinals)
    }
}

/// The few strongest of the cards it was given, the earlier one where two are equal; in whatever order they came.
private struct StrongestCards: Sendable {
    /// Strength above the ordinal's complement, the largest first; 0 for none.
    private var keys = InlineArray<3, UInt64>(repeating: 0)

    mutating func add(_ ordinal: Int, strength: Int) {
        var key = UInt64(UInt32(strength)) << 32 | UInt64(~UInt32(truncatingIfNeeded: ordinal))
        for index in keys.indices where key > keys[index] { swap(&key, &keys[index]) }
    }

    var ordinals: FewOrdinals {
        var ordinals = FewOrdinals()
        for index in keys.indices where keys[index] != 0 {
            ordinals.append(Int(~UInt32(truncatingIfNeeded: keys[index])))
        }
        return ordinals
    }
}

/// Where a polarity lies around ``AnalysisResult/neutralBand``.
enum PolaritySide {
    case positive, neutral, negative
}

extension Fraction {
    var side: PolaritySide {
        if self >= AnalysisResult.neutralBand { return .positive }
        return tenThousandths <= -AnalysisResult.neutralBand.tenThousandths ? .negative : .neutral
    }

    /// The mean of ten-thousandths, rounded toward zero; 0 of none.
    static func mean(_ sum: Int, of count: Int) -> Fraction {
        Fraction(tenThousandths: count == 0 ? 0 : Int32(sum / count))
    }
}
