import QuartetCore

/// A resource's part of the OpenAPI document.
struct ResourceDescription {
    let resource: Resource

    init(_ resource: Resource) {
        self.resource = resource
    }

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
                json.object { operation(.importing, "post", "Makes many as they are given", "200", &$0) }
                json.key("/v1/\(resource.name)/{id}")
                json.object { json in
                    operation(.get, "get", "One", "200", &json)
                    operation(
                        .put, "put", "Creates one, or changes the fields that are named; required ones always are",
                        "200", &json)
                    operation(.patch, "patch", "Changes the fields that are named; null empties one", "200", &json)
                    operation(.delete, "delete", "Deletes one", "200", &json)
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
            // What they may be depends on `sort`, which a schema can't say.
            json.field(
                "description",
                ifPresent: call == .list
                    ? "`from` and `until` bound what the list is in the order of: the first value that is wanted, and the first "
                        + "one that is no longer." : nil)
            json.key("tags")
            json.array { $0.value(resource.name) }
            json.key("parameters")
            json.array { parameters(of: call, &$0) }
            body(of: call, &json)
            json.key("responses")
            json.object { json in
                for status in call == .put ? [status, "201"] : [status] {
                    json.key(status)
                    json.object { $0.field("description", "What it is now.") }
                }
                json.key("default")
                json.object { $0.field("description", "A problem document.") }
            }
        }
    }

    // MARK: Parameters

    private func parameters(of call: Resource.Call, _ json: inout JSONWriter) {
        if [.get, .put, .patch, .delete].contains(call) {
            parameter("id", in: "path", isRequired: true, &json) { text(bytesMax: ShopID.bytesMax, &$0) }
        }
        if [.patch, .delete].contains(call) {
            let about = "The ETag that was seen, or * for whatever is there. 428 without, 412 for another version."
            parameter("If-Match", in: "header", isRequired: true, about: about, &json) { json in
                json.field("type", "string")
                json.field("pattern", #"^\*$"#)
            }
        }
        guard call == .list else { return }
        parameter("limit", in: "query", &json) { integer(1...1_000, &$0) }
        parameter("cursor", in: "query", about: "The `next` of the page before; empty for the first.", &json) { json in
            json.field("type", "string")
            json.field("maxLength", 0)
        }
        parameter("sort", in: "query", about: "An order; with - before it, the other way.", &json) { json in
            json.field("type", "string")
            json.key("enum")
            json.array { json in for sort in resource.sorts + resource.sorts.map({ "-\($0)" }) { json.value(sort) } }
        }
        if resource.search != nil {
            let about = "Terms with white space between them; each is in what is found, whatever its case."
            parameter("q", in: "query", about: about, &json) { text(bytesMax: TextSearch.bytesMax, &$0) }
        }
        for column in resource.columns where column.traits.contains(.filter) {
            parameter(column.name, in: "query", &json) { schema(of: column, canBeNull: false, &$0) }
        }
    }

    private func parameter(
        _ name: String, in place: String, isRequired: Bool = false, about: String? = nil, _ json: inout JSONWriter,
        schema: (inout JSONWriter) -> Void
    ) {
        json.object { json in
            json.field("name", name)
            json.field("in", place)
            json.field("description", ifPresent: about)
            json.key("required")
            json.value(isRequired)
            json.key("schema")
            json.object(schema)
        }
    }

    // MARK: Bodies

    private func body(of call: Resource.Call, _ json: inout JSONWriter) {
        guard [.create, .put, .patch, .importing].contains(call) else { return }
        json.key("requestBody")
        json.object { json in
            json.key("required")
            json.value(true)
            if call == .importing {
                json.field(
                    "description",
                    "Or comma-separated values with a header, as text/csv; gzip and deflate are unpacked.")
            }
            json.key("content")
            json.object { json in
                json.key("application/json")
                json.object { json in
                    json.key("schema")
                    guard call == .importing else { return row(of: call, &json) }
                    json.object { json in
                        json.field("type", "array")
                        json.field("minItems", 1)
                        json.key("items")
                        row(of: call, &json)
                    }
                }
                for type in call == .importing ? ["application/x-ndjson"] : [] {
                    json.key(type)
                    json.object { json in
                        json.key("schema")
                        json.object { $0.field("type", "string") }
                    }
                }
            }
        }
    }

    private func row(of call: Resource.Call, _ json: inout JSONWriter) {
        let hasID = call == .create || call == .importing
        let required =
            (call == .importing ? ["id"] : [])
            + (call == .patch ? [] : resource.writable.filter { $0.traits.contains(.required) }.map(\.name))
        json.object { json in
            json.field("type", "object")
            json.key("properties")
            json.object { json in
                if hasID {
                    json.key("id")
                    json.object { json in
                        let key = Column("id", resource.hasUUIDs ? .uuid : .id)
                        schema(of: key, canBeNull: false, &json)
                    }
                }
                for column in resource.writable {
                    json.key(column.name)
                    json.object { json in
                        schema(of: column, canBeNull: !column.traits.contains(.required), &json)
                        guard column.traits.contains(.secret) else { return }
                        json.key("writeOnly")
                        json.value(true)
                    }
                }
            }
            json.key("required")
            json.array { json in for name in required { json.value(name) } }
            json.key("additionalProperties")
            json.value(false)
        }
    }

    private func schema(of column: Column, canBeNull: Bool, _ json: inout JSONWriter) {
        switch column.kind {
        case .text(let bytesMax): text(bytesMax: bytesMax, canBeNull: canBeNull, &json)
        case .id: text(bytesMax: ShopID.bytesMax, canBeNull: canBeNull, &json)
        case .uuid:
            type("string", canBeNull: canBeNull, &json)
            json.field("format", "uuid")
        case .url:
            type("string", canBeNull: canBeNull, &json)
            json.field("maxLength", Column.urlBytesMax)
            json.field("pattern", "^https?://[a-z0-9]{1,64}(:[1-9][0-9]{0,3})?(/[a-z0-9]{1,64}){0,4}$")
        case .currency:
            type("string", canBeNull: canBeNull, &json)
            json.field("pattern", "^[A-Z]{3}$")
        case .time:
            type("string", canBeNull: canBeNull, &json)
            json.field("format", "date-time")
        case .date:
            type("string", canBeNull: canBeNull, &json)
            json.field("format", "date")
        case .integer(let range): integer(range, canBeNull: canBeNull, &json)
        case .money: integer(0...Int64.max, canBeNull: canBeNull, &json)
        case .flag: type("boolean", canBeNull: canBeNull, &json)
        case .json:
            json.key("type")
            json.array { json in
                for type in ["object", "array", "string", "number", "boolean"] + (canBeNull ? ["null"] : []) {
                    json.value(type)
                }
            }
        }
    }

    private func type(_ name: String, canBeNull: Bool, _ json: inout JSONWriter) {
        json.key("type")
        if canBeNull {
            json.array { json in
                json.value(name)
                json.value("null")
            }
        } else {
            json.value(name)
        }
    }

    private func integer(_ range: ClosedRange<Int64>, canBeNull: Bool = false, _ json: inout JSONWriter) {
        type("integer", canBeNull: canBeNull, &json)
        json.field("minimum", range.lowerBound)
        json.field("maximum", range.upperBound)
    }

    /// The pattern names what every client can send: a description counts letters, and stores count bytes.
    private func text(bytesMax: Int, canBeNull: Bool = false, _ json: inout JSONWriter) {
        type("string", canBeNull: canBeNull, &json)
        json.field("minLength", 1)
        json.field("maxLength", bytesMax)
        json.field("pattern", "^([!-.0-~]{1,\(bytesMax)}|[!-.0-~가-힣]{1,\(bytesMax / 3)})$")
    }
}
