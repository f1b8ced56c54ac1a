import Foundation
import QuartetCore
import QuartetStack
import SystemTesting
import Testing

extension Failpoint: CustomTestStringConvertible {
    package var testDescription: String { rawValue }

    /// The role that comes by.
    var role: String {
        switch self {
        case .submitStored, .cancelStored, .retryStored: "serve"
        case .relayRead, .tasksEnqueued, .tasksRemoved, .relayDelivered: "relay"
        case .taskClaimed, .sessionPinned, .cardsStored, .keywordsStored, .progressReported, .resultStored,
            .failureStored, .taskBuried, .taskReleased, .taskAcknowledged:
            "work"
        case .eventSetAside, .cacheInvalidated: "invalidate"
        }
    }

    static func of(_ role: String) -> [Failpoint] { allCases.filter { $0.role == role } }

    /// Kills a process that comes by for the `hits`-th time.
    func settings(hits: Int = 1) -> [String: String] { ["QUARTET_FAILPOINT": "\(rawValue)@\(hits)"] }
}

/// Waits until a process was killed by its failpoint.
func expectKilled(_ process: TestProcess) async throws {
    let end = try await process.waitForEnd()
    try #require(end == .signal(SIGKILL), "\(process.name)\(process.lastWords)")
}
