import AsyncHTTPClient
import Foundation
import NIOCore

extension TestProcess {
    /// What a process needs in its environment to serve its metrics on a free port.
    package static let servingMetrics = ["METRICS_HOST": "127.0.0.1", "METRICS_PORT": "0"]

    /// The sum of a metric over its labels, 0 where there is none yet. The process was started with ``servingMetrics``.
    package func metric(_ name: String) async throws -> Double {
        let url = try await eventually("\(self.name) serves its metrics") { () -> String? in
            if let end { throw TestFailure("\(self.name) ended with \(end)\(lastWords)") }
            return log.firstMatch(of: /url=(http:\S+) .*health and metrics served/).map { String($0.output.1) }
        }
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: url + "/metrics"), timeout: .seconds(10))
        let text = String(buffer: try await response.body.collect(upTo: 4 << 20))
        return text.split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix(name), let space = line.lastIndex(of: " ") else { return sum }
            guard ["{", " "].contains(line.dropFirst(name.count).first) else { return sum }
            return sum + (Double(line[line.index(after: space)...]) ?? 0)
        }
    }
}
