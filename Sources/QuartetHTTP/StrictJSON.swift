import Foundation
import HTTPTypes
package import NIOCore
import NIOFoundationCompat

/// Where a value stands, as people write it.
package enum JSONPlace {
    case body
    /// Of an array, from 0.
    case element(Int)
    /// From 1.
    case line(Int)

    /// The value itself: `[3]`.
    package var itself: String {
        switch self {
        case .body: "the body"
        case .element(let index): "[\(index)]"
        case .line(let number): "line \(number)"
        }
    }

    /// One of its fields: `[3].text`.
    package func field(_ name: String) -> String {
        switch self {
        case .body: name
        case .element(let index): "[\(index)].\(name)"
        case .line(let number): "line \(number): \(name)"
        }
    }

    fileprivate func value(_ path: [any CodingKey]) -> String {
        let text = path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return text.isEmpty ? itself : field(text)
    }
}

/// Decoding that refuses what it does not know, and says where.
package enum StrictJSON {
    /// - Throws: a 400 problem when the bytes are not JSON, a 422 problem when they are but not what is wanted.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: ByteBuffer, at place: JSONPlace = .body
    ) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(buffer: bytes))
        } catch let problem as Problem {
            throw problem
        } catch let error as DecodingError {
            throw problem(for: error, at: place)
        }
    }

    private static func problem(for error: DecodingError, at place: JSONPlace) -> Problem {
        func refuse(_ kind: String, _ context: DecodingError.Context, _ detail: String) -> Problem {
            Problem(.unprocessableContent, kind, place.value(context.codingPath) + detail)
        }
        return switch error {
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            Problem(.badRequest, "not-json", "\(place.itself) is not JSON in UTF-8")
        case .dataCorrupted(let context): refuse("bad-value", context, ": \(context.debugDescription)")
        case .typeMismatch(let type, let context): refuse("bad-type", context, " is not \(name(of: type))")
        case .valueNotFound(let type, let context): refuse("bad-type", context, " is null, not \(name(of: type))")
        case .keyNotFound(let key, let context):
            Problem(.unprocessableContent, "missing-field", place.value(context.codingPath + [key]) + " is missing")
        @unknown default: Problem(.unprocessableContent, "bad-value", "\(place.itself) can't be read")
        }
    }

    private static func name(of type: Any.Type) -> String {
        if type == String.self { return "a string" }
        if type == Int.self { return "an integer" }
        if type == Double.self { return "a number" }
        if "\(type)".hasPrefix("Array") { return "an array" }
        return "an object"
    }
}

/// A key that may be anything, to see which ones are there.
package struct AnyKey: CodingKey {
    package let stringValue: String
    package let intValue: Int?

    package init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    package init(intValue: Int) {
        stringValue = String(intValue)
        self.intValue = intValue
    }
}

extension Decoder {
    /// - Throws: a 422 problem that names the first field which is not in `known`.
    package func refuseFields(except known: Set<String>) throws {
        let keys = try container(keyedBy: AnyKey.self).allKeys
        if let unknown = keys.map(\.stringValue).filter({ !known.contains($0) }).min() {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath + [AnyKey(stringValue: unknown)], debugDescription: "unknown field"))
        }
    }
}
