import HTTPTypes
import Market
import Testing

/// Times as RFC 3339 has them, whatever Foundation and PostgreSQL make of them.
@Suite("Times") struct TimeTests {
    @Test("every time of RFC 3339 is taken, and told in UTC")
    func taken() async throws {
        try await House.open(.oneDatabase) { house in
            let times = [
                "2026-01-31T09:30:00Z": "2026-01-31T09:30:00+00:00",
                "1249-11-17T09:44:50.88803+23:54": "1249-11-16T09:50:50.88803+00:00",
                "1969-12-31T23:59:59.25Z": "1969-12-31T23:59:59.25+00:00",
                "2024-02-29t00:00:00.123456789-09:00": "2024-02-29T09:00:00.123456+00:00",
                "0000-03-01T00:00:00z": "0001-03-01T00:00:00+00:00 BC",
                "9999-12-31T23:59:60-23:59": "10000-01-01T23:59:00+00:00",
                "1970-01-01T00:00:00.000001Z": "1970-01-01T00:00:00.000001+00:00",
            ]
            for (place, time) in times.enumerated() {
                let job = #"{"id": "j\#(place)", "marketplace": "m", "query": "q", "ended_at": "\#(time.key)"}"#
                let answer = try await house.call(.post, "/v1/benchmark_collect_jobs", job)
                #expect(answer.json["ended_at"] as? String == time.value, "\(answer.text)")
                let imported = try await house.call(.post, "/v1/benchmark_collect_jobs:import", job)
                #expect(imported.json["changed"] as? Int == 0, "\(imported.text)")
            }
            let wrong = [
                "2026-02-29T00:00:00Z", "2026-01-31", "2026-01-31T24:00:00Z", "2026-01-31T00:00:00", "yesterday",
                "2026-01-31T00:00:00+0900", "2026-01-31T00:00:00.Z", "2026-13-01T00:00:00Z", "2026-01-31T00:00:00Z ",
            ]
            for time in wrong {
                let job = #"{"id": "j", "marketplace": "m", "query": "q", "ended_at": "\#(time)"}"#
                #expect(try await house.call(.post, "/v1/benchmark_collect_jobs", job).status == 422, "\(time)")
            }
        }
    }
}
