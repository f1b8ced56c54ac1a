extension Duration {
    /// As a number of seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// Rounded up, so that no wait ends early and nothing lives for no time; the largest there is beyond its range.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let perMillisecond: Int64 = 1_000_000_000_000_000
        let rest = attoseconds / perMillisecond + (attoseconds % perMillisecond > 0 ? 1 : 0)
        let (sum, isTooLarge) = milliseconds.addingReportingOverflow(rest)
        return isTooLarge ? (seconds < 0 ? .min : .max) : sum
    }
}

extension Int {
    /// Of a number that may come from anywhere: 0 for what is none, the nearest for what is too large.
    package init(saturating number: Double) {
        self = number.isNaN ? 0 : Int(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
    }
}
