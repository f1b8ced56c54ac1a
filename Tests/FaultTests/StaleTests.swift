import Foundation
import SystemTesting
import Testing

/// The auditor of the caches, with fewer writes than by hand.
@Suite struct StaleTests {
    private struct Report: Decodable {
        struct Reads: Decodable {
            let reads, writes: Int
            let olderThanAnnounced, olderThanBound: Int
            let hitShare: Double
        }

        let underFaults, cachedReads: Reads
    }

    @Test(.timeLimit(.minutes(6)))
    func nobodyReadsWhatIsOlderThanWhatWasAnnounced() async throws {
        let output = try await TestProcess.output(
            of: [TestProcess.quartetPath(), "bench", "stale", "--writes", "2000", "--products", "100"],
            environment: ["KAFKA_HOME": ""], folder: FileManager.default.temporaryDirectory)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(Report.self, from: Data(output.utf8))
        for reads in [report.underFaults, report.cachedReads] {
            #expect(reads.reads > 0 && reads.writes > 0 && reads.hitShare > 0)
            #expect(reads.olderThanAnnounced == 0 && reads.olderThanBound == 0)
        }
    }
}
