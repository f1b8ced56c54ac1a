package import Foundation
import HTTPTypes
import QuartetCore
package import QuartetHTTP

/// What a caller says of one of a resource: its id, if that was said, and the fields that were named.
package struct ResourceRow: Sendable {
    package internal(set) var id: String?
    private(set) var values: [String: FieldValue] = [:]

    /// What every resource has, and nobody sets.
    private static let kept: Set = ["version", "created_at", "updated_at"]

    /// - Parameters:
    ///   - isWhole: whether required fields have to be there.
    /// - Throws: a problem that names the field which is wrong.
    init(_ fields: [(name: String, value: JSONFields.Value)], of resource: Resource, isWhole: Bool, at place: JSONPlace)
        throws(Problem)
    {
        for (name, value) in fields {
            if name == "id" {
                if id != nil { throw Self.twice(name, place) }
                guard case .text(let text) = value, ShopID.isValid(text) else {
                    throw Problem(.unprocessableContent, "bad-value", "\(place.field("id")) is \(ShopID.rule)")
                }
                id = text
                continue
            }
            if Self.kept.contains(name) { continue }
            guard let column = resource.column(name) else {
                throw Problem(
                    .unprocessableContent, "unknown-field", "\(place.field(name)) is no field of a \(resource.noun)")
            }
            // What was read may be sent back: what the service sets itself is passed over.
            guard !column.traits.contains(.readOnly) else { continue }
            guard values.updateValue(try column.checked(value, at: place), forKey: name) == nil else {
                throw Self.twice(name, place)
            }
        }
        guard isWhole else { return }
        for column in resource.writable where column.traits.contains(.required) && values[column.name] == nil {
            throw Problem(.unprocessableContent, "missing-field", "\(place.field(column.name)) is missing")
        }
    }

    /// Which of two is meant nobody can say.
    private static func twice(_ name: String, _ place: JSONPlace) -> Problem {
        Problem(.unprocessableContent, "field-twice", "\(place.field(name)) is there twice")
    }

    /// Of one JSON object, as a caller or a message gives it.
    ///
    /// - Throws: a problem that says what is wrong with it.
    package init(json: some Collection<UInt8>, of resource: Resource, isWhole: Bool = true) throws(Problem) {
        let fields: JSONFields
        do {
            fields = try JSONFields(json)
        } catch {
            throw Problem(.badRequest, "not-json", "the body is no JSON object in UTF-8")
        }
        try self.init(fields.fields, of: resource, isWhole: isWhole, at: .body)
    }

    // MARK: Values, nil where a field was left out or is null

    package func text(_ name: String) -> String? {
        if case .text(let text)? = values[name] { text } else { nil }
    }

    package func integer(_ name: String) -> Int64? {
        if case .integer(let number)? = values[name] { number } else { nil }
    }

    package func time(_ name: String) -> Date? {
        if case .time(let time)? = values[name] { time.date } else { nil }
    }

    /// For `json_populate_record`, with the key under its column's name.
    func document(of resource: Resource, key: String) -> [UInt8] {
        JSONWriter.object { json in
            json.field(resource.key, key)
            for (name, value) in values.sorted(by: { $0.key < $1.key }) {
                json.key(name)
                value.write(to: &json)
            }
        }
    }

    /// A line of COPY.
    func write(to bytes: inout [UInt8], of resource: Resource, key: String, place: Int) {
        bytes.append(contentsOf: String(place).utf8)
        bytes.append(UInt8(ascii: "\t"))
        FieldValue.text(key).write(toCopy: &bytes)
        for column in resource.writable {
            bytes.append(UInt8(ascii: "\t"))
            (values[column.name] ?? .null).write(toCopy: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
    }
}
