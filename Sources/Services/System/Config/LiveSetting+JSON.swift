import Foundation
import QuartetCore
import QuartetHTTP

extension LiveSetting {
    /// With what is set, what counts without it, and who set it when and why.
    func write(_ stored: StoredSetting?, to json: inout JSONWriter) {
        json.object { json in
            json.field("key", key)
            writeKind(to: &json)
            json.key("roles")
            json.array { json in for role in roles { json.value(role) } }
            json.field("description", about)
            json.key("value")
            write(stored?.value ?? fallback, to: &json)
            json.key("default")
            write(fallback, to: &json)
            json.field("source", stored?.value == nil ? "configuration" : "system_config")
            json.field("version", stored?.version ?? 0)
            json.field("changed_at", ifPresent: stored?.changedAt.rfc3339)
            json.field("changed_by", ifPresent: stored?.changedBy)
            json.field("why", ifPresent: stored?.why)
        }
    }

    /// A value that was taken back is null.
    func write(_ change: SettingChange, to json: inout JSONWriter) {
        json.object { json in
            json.field("version", change.version)
            for (name, value) in [("old", change.old), ("new", change.new)] {
                json.key(name)
                if let value { write(value, to: &json) } else { json.null() }
            }
            json.field("changed_at", change.changedAt.rfc3339)
            json.field("changed_by", change.changedBy)
            json.field("why", ifPresent: change.why)
        }
    }

    private func writeKind(to json: inout JSONWriter) {
        switch kind {
        case .text: json.field("type", "text")
        case .flag: json.field("type", "bool")
        case .choice(let names):
            json.field("type", "choice")
            json.key("choices")
            json.array { json in for name in names { json.value(name) } }
        case .integer(let range):
            json.field("type", "int")
            json.field("minimum", range.lowerBound)
            json.field("maximum", range.upperBound)
        case .duration(let min, let max):
            json.field("type", "duration")
            json.field("minimum", min)
            json.field("maximum", max)
        }
    }

    /// What psql may have written is shown as it is.
    private func write(_ text: String, to json: inout JSONWriter) {
        switch kind {
        case .integer: Int(text).map { json.value($0) } ?? json.value(text)
        case .flag where text == "true" || text == "false": json.value(text == "true")
        default: json.value(text)
        }
    }
}
