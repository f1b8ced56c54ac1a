package import QuartetCore
import Synchronization

/// Keyword details in memory.
package final class FakeKeywordStore: KeywordStore {
    package enum Call: Sendable, Hashable, CaseIterable {
        case insert, replace, details
    }

    private let faults = FaultPlan<Call>()
    private let stored = Mutex<[RequestID: KeywordDetails]>([:])

    package init() {}

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    package func insert(_ details: [KeywordDetails]) async throws -> [Bool] {
        try faults.run(.insert) {
            stored.withLock { stored in
                details.map { details in
                    guard stored[details.requestID] == nil else { return false }
                    stored[details.requestID] = details
                    return true
                }
            }
        }
    }

    package func replace(_ details: [KeywordDetails]) async throws {
        try faults.run(.replace) {
            stored.withLock { stored in
                for details in details { stored[details.requestID] = details }
            }
        }
    }

    package func details(_ ids: [RequestID]) async throws -> [KeywordDetails?] {
        try faults.run(.details) { stored.withLock { stored in ids.map { stored[$0] } } }
    }

    // MARK: For ``FakeDocumentCheckStore``

    /// Every request's details, in key order.
    var all: [KeywordDetails] {
        stored.withLock { $0.values.sorted { $0.requestID < $1.requestID } }
    }

    func remove(_ ids: [RequestID]) {
        stored.withLock { stored in for id in ids { stored[id] = nil } }
    }
}
