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
        guard let severity = joined.firstRange(ofText: "FATAL:  ") ?? joined.firstRange(ofText: "ERROR:  ") else {
            return (nil, joined)
        }
        let rest = joined[severity.upperBound...]
        let state = rest.prefix(5)
        guard state.utf8.count == 5, state.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isUppercase) }),
            rest.dropFirst(5).hasPrefix(": ")
        else { return (nil, joined) }
        return (String(state), String(joined[..<severity.upperBound]) + String(rest.dropFirst(7)))
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
