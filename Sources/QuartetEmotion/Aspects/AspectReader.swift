package import QuartetCore

/// Reads the aspects of one text after the other, by rules alone. What one text leaves behind is capacity.
package struct AspectReader {
    private var text = FoldedText()
    private var evidence = Evidence()
    private var valences = Valences()
    private var finder = AspectFinder()

    package init() {}

    /// At most eight, in the order of the text; any text is safe.
    package mutating func read(_ string: String) -> [Aspect] {
        text.fold(string.utf8.span)
        evidence.collect(from: text, by: .standard)
        valences.collect(from: text, string.utf8.span, by: .standard)
        return finder.aspects(in: text, string.utf8.span, evidence, valences)
    }
}
