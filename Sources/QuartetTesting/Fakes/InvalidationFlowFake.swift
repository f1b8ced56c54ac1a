package import QuartetCore
import Synchronization

/// How invalidations flow, as the test says.
package final class FakeInvalidationFlow: InvalidationFlow {
    private let state: Mutex<[EventTopic: Duration]>

    package init() {
        state = Mutex(Dictionary(uniqueKeysWithValues: EventTopic.allCases.map { ($0, .zero) }))
    }

    package func delays() async throws -> [EventTopic: Duration] { state.withLock(\.self) }

    /// - Parameter delay: nil: nobody says.
    package func set(_ topic: EventTopic, _ delay: Duration?) { state.withLock { $0[topic] = delay } }
}
