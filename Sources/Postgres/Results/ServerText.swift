/// What libpq says in several lines, on one.
enum ServerText {
    static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingWhitespace() }
            .filter { !$0.isEmpty }
            .joined(separator: "; ")
    }

    /// The SQLSTATE in a connection's error at verbose level: `... FATAL:  28P01: password authentication failed ...`.
    ///
    /// libpq has no other way to tell why the server refused a connection.
    static func splitState(_ text: String) -> (sqlState: String?, message: String) {
        let lines = text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingWhitespace() }
            .filter { !$0.isEmpty && !$0.hasPrefix("LOCATION:") }
        let joined = lines.joined(separator: "; ")
        // Behind the severity, which is in the server's language.
        guard let found = joined.firstMatch(of: #/:  ([0-9A-Z]{5}): /#) else { return (nil, joined) }
        let (before, behind) = (joined[..<found.range.lowerBound], joined[found.range.upperBound...])
        return (String(found.output.1), "\(before):  \(behind)")
    }
}

extension StringProtocol {
    fileprivate func trimmingWhitespace() -> String {
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}

extension String {
    func firstRange(ofText text: String) -> Range<Index>? {
        ranges(of: text).first
    }
}
