import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat

/// Decoding that refuses what it does not know, and says where.
enum StrictJSON {
    /// - Throws: a 400 problem when the bytes are not JSON, a 422 problem when they are but not what is wanted.
    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: ByteBuffer) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(buffer: bytes))
        } catch let problem as Problem {
            throw problem
        } catch let error as DecodingError {
            throw problem(for: error)
        }
    }

    static func problem(for error: DecodingError) -> Problem {
        switch error {
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            Problem(.badRequest, "not-json", "the body is not JSON in UTF-8")
        case .dataCorrupted(let context):
            Problem(.unprocessableContent, "bad-value", "\(place(context.codingPath)): \(context.debugDescription)")
        case .typeMismatch(let type, let context):
            Problem(.unprocessableContent, "bad-type", "\(place(context.codingPath)) is not \(name(of: type))")
        case .valueNotFound(let type, let context):
            Problem(.unprocessableContent, "bad-type", "\(place(context.codingPath)) is null, not \(name(of: type))")
        case .keyNotFound(let key, let context):
            Problem(.unprocessableContent, "missing-field", "\(place(context.codingPath + [key])) is missing")
        @unknown default: Problem(.unprocessableContent, "bad-value", "the body can't be read")
        }
    }

    /// The place of a value as people write it: `[3].text`.
    private static func place(_ path: [any CodingKey]) -> String {
        let text = path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return text.isEmpty ? "the body" : text
    }

    private static func name(of type: Any.Type) -> String {
        if type == String.self { return "a string" }
        if type == Int.self { return "an integer" }
        if "\(type)".hasPrefix("Array") { return "an array" }
        return "an object"
    }
}

/// A key that may be anything, to see which ones are there.
struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = String(intValue)
        self.intValue = intValue
    }
}

extension Decoder {
    /// - Throws: a 422 problem that names the first field which is not in `known`.
    func refuseFields(except known: Set<String>) throws {
        let keys = try container(keyedBy: AnyKey.self).allKeys
        if let unknown = keys.map(\.stringValue).filter({ !known.contains($0) }).min() {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath + [AnyKey(stringValue: unknown)], debugDescription: "unknown field"))
        }
    }
}
