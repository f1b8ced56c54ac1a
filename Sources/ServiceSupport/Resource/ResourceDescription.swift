import FoundationEssentials
import QuartetCore

/// A resource's part of the OpenAPI document.
struct ResourceDescription {
    let resource: Resource

    init(_ resource: Resource) {
        self.resource = resource
    }

    private var schema: String { resource.noun.split(separator: "_").map(\.capitalized).joined() + "Row" }

    var json: [UInt8] {
        JSONWriter.object(capacity: 8192) { json in
            json.key("paths")
            json.object { json in
                json.key("/v1/\(resource.name)")
                json.object { json in
                    operation(.list, "get", "Lists: filters, an order, pages", "200", &json)
                    operation(.create, "post", "Creates one", "201", &json)
                }
                json.key("/v1/\(resource.name):import")
                json.object { operation(.importing, "post", "Makes many as they are given, NDJSON or CSV", "200", &$0) }
                json.key("/v1/\(resource.name)/{id}")
                json.object { json in
                    operation(.get, "get", "One", "200", &json)
                    operation(.put, "put", "Creates one, or changes the fields that are named", "200", &json)
                    operation(.patch, "patch", "Changes the fields that are named", "200", &json)
                    operation(.delete, "delete", "Deletes one", "200", &json)
                }
            }
            json.key("components")
            json.object { json in
                json.key("schemas")
                json.object { json in
                    json.key(schema)
                    describe(&json)
                }
            }
        }
    }

    private func operation(
        _ call: Resource.Call, _ method: String, _ summary: String, _ status: String, _ json: inout JSONWriter
    ) {
        guard !resource.elsewhere.contains(call) else { return }
        json.key(method)
        json.object { json in
            json.field("operationId", "\(call.rawValue)_\(resource.name)")
            json.field("summary", summary)
            json.key("tags")
            json.array { $0.value(resource.name) }
            parameters(of: call, &json)
            if [.create, .put, .patch].contains(call) { body("application/json", &json) }
            if call == .importing { body("application/x-ndjson", &json) }
            json.key("responses")
            json.object { json in
                json.key(status)
                json.object { $0.field("description", "Done.") }
                json.key("default")
                json.object { json in
                    json.field("description", "A problem document: 400, 401, 404, 409, 412, 422, 428 or 503.")
                }
            }
        }
    }

    private func parameters(of call: Resource.Call, _ json: inout JSONWriter) {
        json.key("parameters")
        json.array { json in
            switch call {
            case .list:
                for name in ["limit", "cursor", "sort"] { parameter(name, in: "query", &json) }
                for column in resource.columns where column.traits.contains(.filter) {
                    parameter(column.name, in: "query", &json)
                }
            case .get, .put: parameter("id", in: "path", isRequired: true, &json)
            case .patch, .delete:
                parameter("id", in: "path", isRequired: true, &json)
                parameter("If-Match", in: "header", isRequired: true, &json)
            case .create, .importing: break
            }
        }
    }

    private func parameter(_ name: String, in place: String, isRequired: Bool = false, _ json: inout JSONWriter) {
        json.object { json in
            json.field("name", name)
            json.field("in", place)
            json.key("required")
            json.value(isRequired)
            json.key("schema")
            json.object { $0.field("type", name == "limit" ? "integer" : "string") }
        }
    }

    private func body(_ type: String, _ json: inout JSONWriter) {
        json.key("requestBody")
        json.object { json in
            json.key("content")
            json.object { json in
                json.key(type)
                json.object { json in
                    json.key("schema")
                    json.object { $0.field("$ref", "#/components/schemas/\(schema)") }
                }
            }
        }
    }

    private func describe(_ json: inout JSONWriter) {
        json.object { json in
            json.field("type", "object")
            json.key("properties")
            json.object { json in
                json.key("id")
                json.object { json in
                    json.field("type", "string")
                    json.field("maxLength", ResourceID.bytesMax)
                }
                for column in resource.columns {
                    json.key(column.name)
                    json.object { type(of: column, &$0) }
                }
            }
        }
    }

    private func type(of column: Column, _ json: inout JSONWriter) {
        switch column.kind {
        case .text(let bytesMax):
            json.field("type", "string")
            json.field("maxLength", bytesMax)
        case .id, .currency: json.field("type", "string")
        case .time:
            json.field("type", "string")
            json.field("format", "date-time")
        case .integer(let range):
            json.field("type", "integer")
            json.field("minimum", range.lowerBound)
            json.field("maximum", range.upperBound)
        case .money:
            json.field("type", "integer")
            json.field("minimum", 0)
        case .flag: json.field("type", "boolean")
        case .json: break
        }
        if column.traits.contains(.readOnly) {
            json.key("readOnly")
            json.value(true)
        }
    }
}
