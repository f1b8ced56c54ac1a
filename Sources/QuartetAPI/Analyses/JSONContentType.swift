import HTTPTypes
import QuartetHTTP

/// What a body of JSON may be called: JSON in its forms, nothing, and what clients say who were told nothing, curl's
/// `application/x-www-form-urlencoded` and fetch's `text/plain`.
enum JSONContentType {
    static func check(_ contentType: String?) throws {
        let type = (contentType ?? "").prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        switch type {
        case "", "application/json", "text/json", "application/x-www-form-urlencoded", "text/plain": return
        case _ where type.hasPrefix("application/") && type.hasSuffix("+json"): return
        default: throw Problem(.unsupportedMediaType, "bad-content-type", "a body comes as application/json")
        }
    }
}
