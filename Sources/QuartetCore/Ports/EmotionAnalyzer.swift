/// Which analyser made a card, recorded with each analysis.
package struct AnalyzerIdentity: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let version: String

    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    package var description: String { "\(name)/\(version)" }
}

/// Reads emotions in reviews.
///
/// An analyser is a pure function of its model and the review: the same review gives the same reading on every run and
/// in every batch, because an attempt that resumes must not disagree with the cards that are stored already. Any text is
/// safe to hand in.
package protocol EmotionAnalyzer: Sendable {
    var identity: AnalyzerIdentity { get }

    /// How long a review takes about, before one was timed.
    var expectedTimePerReview: Duration { get }

    /// One result per review, in their order. A review that can't be read is its own failure; the call throws only when
    /// none could be (a model server that is away).
    func analyze(_ reviews: [Review]) async throws -> [Result<EmotionReading, AnalyzerError>]
}

extension EmotionAnalyzer {
    package var expectedTimePerReview: Duration { .zero }
}

/// Why one review could not be read.
package struct AnalyzerError: Error, Sendable, CustomStringConvertible {
    package let reviewID: String
    package let message: String

    package init(reviewID: String, message: String) {
        self.reviewID = reviewID
        self.message = message
    }

    package var description: String { "review \(reviewID): \(message)" }
}
