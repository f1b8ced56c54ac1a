import CoreMetrics
import Metrics
package import QuartetCore

/// The ports that a worker works with. A class: every task has it, and would copy
/// eight references otherwise.
package final class WorkerPorts: Sendable {
    package let requests: any RequestStore
    package let queue: any TaskQueue
    package let reviews: any ReviewStore
    package let sessions: any SessionStore
    package let cards: any CardStore
    package let keywords: any KeywordStore
    package let progress: any ProgressBoard
    package let analyzer: any EmotionAnalyzer

    package init(
        requests: any RequestStore, queue: any TaskQueue, reviews: any ReviewStore, sessions: any SessionStore,
        cards: any CardStore, keywords: any KeywordStore, progress: any ProgressBoard, analyzer: any EmotionAnalyzer
    ) {
        self.requests = requests
        self.queue = queue
        self.reviews = reviews
        self.sessions = sessions
        self.cards = cards
        self.keywords = keywords
        self.progress = progress
        self.analyzer = analyzer
    }
}
