import HTTPTypes
import Hummingbird
import NIOCore
import QuartetCore
import StoreKit

/// `/healthz` (the process answers), `/readyz` (which store is missing) and `/metrics`; none asks for a key.
struct HealthEndpoints: Sendable {
    let probes: [ReadinessProbe]
    let metrics: @Sendable () -> String

    func add(to router: Router<APIContext>) {
        router.get("healthz") { _, _ in
            Response(json: JSONWriter.object { $0.field("status", "ok") })
        }
        router.get("readyz") { _, _ in await readiness() }
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics())))
        }
    }

    /// 200 while submits can be taken, that is while PostgreSQL answers; the body names every store that does not.
    private func readiness() async -> Response {
        let deadline = Deadline.after(.seconds(2))
        let failures = await withTaskGroup(of: (String, String?).self) { group in
            for probe in probes {
                group.addTask {
                    do {
                        try await withDeadline(deadline, waitingFor: probe.store) { try await probe.check(deadline) }
                        return (probe.store, nil)
                    } catch {
                        return (probe.store, "\(error)")
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        let canSubmit = failures["postgresql"] == nil
        let body = JSONWriter.object { json in
            json.field("status", failures.isEmpty ? "ready" : canSubmit ? "degraded" : "unavailable")
            json.key("stores")
            json.object { json in
                for probe in probes { json.field(probe.store, failures[probe.store] ?? "ok") }
            }
        }
        return Response(json: body, status: canSubmit ? .ok : .serviceUnavailable)
    }
}
