import ClientSupport
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import QuartetCore

/// `/healthz` (the process answers), `/readyz` (which store is missing) and `/metrics`; none asks for a key.
struct HealthEndpoints: Sendable {
    let probes: [ReadinessProbe]
    let metrics: @Sendable () -> String

    func add(to router: Router<APIContext>) {
        router.get("healthz") { _, _ in
            Response(json: JSONWriter.object { $0.field("status", "ok") })
        }
        router.get("readyz") { _, context in await readiness(logger: context.logger) }
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics())))
        }
    }

    /// 200 while submits can be taken; the body names every store that does not answer. Why it does not is for the log, since
    /// anybody may ask.
    private func readiness(logger: Logger) async -> Response {
        let deadline = Deadline.after(.seconds(2))
        let missing = await withTaskGroup(of: String?.self) { group in
            for probe in probes {
                group.addTask {
                    do {
                        try await withDeadline(deadline, waitingFor: probe.store) { try await probe.check(deadline) }
                        return nil
                    } catch {
                        logger.warning("not ready", metadata: ["store": "\(probe.store)", "error": "\(error)"])
                        return probe.store
                    }
                }
            }
            return await group.reduce(into: Set<String>()) { if let store = $1 { $0.insert(store) } }
        }
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
