import QuartetCore
import QuartetHTTP

extension AnalysisRequest {
    /// The request's public document, with what is known beside it.
    func json(progress: Progress? = nil, result: StoredResult? = nil) -> [UInt8] {
        JSONWriter.object(capacity: result == nil ? 512 : 4096) { json in
            json.field("id", id.description)
            json.field("product_id", productID.text)
            json.field("status", status.isOpen && progress != nil ? "running" : status.rawValue)
            json.field("generation", generation)
            json.field("created_at", createdAt.rfc3339)
            json.field("closed_at", ifPresent: closedAt?.rfc3339)
            json.field("failure", ifPresent: failure)
            if let progress {
                json.key("progress")
                progress.write(to: &json)
            }
            if let result {
                json.key("result")
                json.raw(result.json)
            }
        }
    }
}
