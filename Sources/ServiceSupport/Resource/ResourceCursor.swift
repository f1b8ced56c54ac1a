import Foundation
import HTTPTypes
import QuartetHTTP

/// Where a list goes on: behind the last row of a page.
struct ResourceCursor: Codable {
    let sort: String
    let descending: Bool
    let value: String
    let key: String

    init(sort: String, descending: Bool, value: String, key: String) {
        self.sort = sort
        self.descending = descending
        self.value = value
        self.key = key
    }

    /// - Throws: a 400 problem for text that no list gave.
    init(_ text: String) throws {
        let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        let padded = base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: padded), let cursor = try? JSONDecoder().decode(Self.self, from: data)
        else { throw Problem(.badRequest, "bad-parameter", "cursor is the `next` of a page") }
        self = cursor
    }

    /// For a URL.
    var text: String {
        let data = (try? JSONEncoder().encode(self)) ?? Data()
        return data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
