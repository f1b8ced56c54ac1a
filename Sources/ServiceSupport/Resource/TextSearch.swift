import HTTPTypes
package import QuartetDatabases
import QuartetHTTP

/// How rows are found by words.
///
/// A term is what stands between white space; a row is found where each term stands in its text, in any place, whatever its
/// case and however its letters are composed. Punctuation is a letter like others. A GIN index of the text's
/// pairs of neighbours says which rows may be meant, in any language; of longer terms the text itself is looked at then.
package struct TextSearch: Sendable {
    package static let bytesMax = 256
    private static let termsMax = 8

    /// SQL over the row `t`, folded.
    let text: String
    /// The function that folds, the one that gives a text's pairs, and the one that gives what to look for among them.
    let fold, pairs, query: Table

    /// - Parameter text: SQL over the row `t`; lines of it are apart from each other.
    package init(_ text: String, fold: Table, pairs: Table, query: Table) {
        self.text = "{\(fold)}(\(text))"
        self.fold = fold
        self.pairs = pairs
        self.query = query
    }

    /// Whether a term is in a row.
    func condition(_ parameter: String) -> String {
        let term = "{\(fold)}(\(parameter)::text)"
        return "{\(pairs)}(\(text)) @@ {\(query)}(\(term)) AND (length(\(term)) <= 2 OR strpos(\(text), \(term)) > 0)"
    }

    /// - Throws: a 400 problem for what can't be looked for.
    static func terms(of query: String) throws(Problem) -> [String] {
        let terms = query.split(whereSeparator: \.isWhitespace).map(String.init)
        guard query.utf8.count <= bytesMax, (1...termsMax).contains(terms.count),
            !terms.contains(where: { $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } })
        else {
            throw Problem(
                .badRequest, "bad-parameter",
                "q is 1 to \(termsMax) terms with white space between them, \(bytesMax) bytes without control characters"
            )
        }
        return terms
    }
}
