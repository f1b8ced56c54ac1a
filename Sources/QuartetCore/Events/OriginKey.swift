/// How what somebody outside has, such as a supplier's item or a market's order, is called here: `ORIGIN:ID`, or a hash of both
/// where that can't be an id of ours, or could be another's.
package enum OriginKey {
    package static func make(_ origin: String, _ id: String) -> String {
        let key = "\(origin):\(id)"
        if !origin.hasPrefix("#"), !origin.contains(":"), ShopID.isValid(key) { return key }
        var hash = SipHash128(key0: 0, key1: 0)
        hash.append(origin)
        hash.append(id)
        let (high, low) = hash.finish()
        return "#\(digits(of: high))\(digits(of: low))"
    }

    private static func digits(of word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
