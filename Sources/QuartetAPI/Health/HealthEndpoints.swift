import ClientSupport
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import QuartetCore
import QuartetHTTP

/// `/healthz` (the process answers), `/readyz` (which store is missing) and `/metrics`; none asks for a key.
struct HealthEndpoints: Sendable {
    private let probes: [ReadinessProbe]
    private let metrics: @Sendable () -> String
    private let monitor: ReadinessMonitor

    init(probes: [ReadinessProbe], metrics: @escaping @Sendable () -> String, logger: Logger) {
        self.probes = probes
        self.metrics = metrics
        monitor = ReadinessMonitor(probes: probes, logger: logger)
    }

    func add(to router: Router<APIContext>) {
        router.get("healthz") { _, _ in
            Response(json: JSONWriter.object { $0.field("status", "ok") })
        }
        router.get("readyz") { _, _ in await readiness() }
        router.get("metrics") { [metrics] _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics())))
        }
    }

    /// 200 while submits can be taken; the body names every store that does not answer.
    private func readiness() async -> Response {
        let missing = await monitor.missing()
        let canSubmit = !probes.contains { $0.isEssential && missing.contains($0.store) }
        let body = JSONWriter.object { json in
            json.field("status", missing.isEmpty ? "ready" : canSubmit ? "degraded" : "unavailable")
            json.key("stores")
            json.object { json in
                for probe in probes { json.field(probe.store, missing.contains(probe.store) ? "not answering" : "ok") }
            }
        }
        return Response(json: body, status: canSubmit ? .ok : .serviceUnavailable)
    }
}
