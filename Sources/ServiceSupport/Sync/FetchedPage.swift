import Foundation
import QuartetCore

/// A row of a list: its key, the account's own id, and what it says, as it was written.
package struct FetchedRow: Sendable {
    package let key: String
    package let id: String
    package let payload: String
}

/// A row that can't be taken, and why.
package struct RefusedRow: Sendable {
    static let problemBytesMax = 512

    /// Nil for one without an id that could be read: which row it is nobody knows.
    let key: String?
    let id: String?
    let problem: String
}

/// One page of an answer: `{"items": [{"id": ...}, ...], "next": ..., "as_of": ...}`.
package struct FetchedPage: Sendable {
    static let cursorBytesMax = 2_048
    static let idBytesMax = 512

    package var rows: [FetchedRow] = []
    package var refused: [RefusedRow] = []
    /// Of the page behind this one; nil for the last.
    package let next: String?
    /// What lists that came later say they changed since.
    let asOf: String?
    let bytes: Int

    /// How many of its rows nobody can tell from others.
    var unnamed: Int { refused.count { $0.key == nil } }

    /// How many rows it came with.
    var count: Int { rows.count + refused.count }

    /// - Throws: `SyncError` where the whole is not of the agreed form. A bad row is refused alone.
    init(_ bytes: [UInt8], of list: String, account: String) throws(SyncError) {
        self.bytes = bytes.count
        var members: [String: ArraySlice<UInt8>] = [:]
        do {
            var parts = try JSONParts.object(bytes)
            while let (key, value) = try parts.nextMember() {
                if let name = Self.text(key) { members[name] = value }
            }
        } catch {
            throw SyncError(.badAnswer, "the page is no JSON object")
        }
        next = try Self.mark("next", members["next"])
        asOf = try Self.mark("as_of", members["as_of"])
        guard let rows = members[list], var parts = try? JSONParts.array(Array(rows)) else {
            throw SyncError(.badAnswer, "the page has no array \(list)")
        }
        var places: [String: Int] = [:]
        do {
            while let part = try parts.next() { take(part, account: account, &places) }
        } catch {
            throw SyncError(.badAnswer, "the page's \(list) are no JSON array")
        }
    }

    /// Of a row that comes twice, the last one counts.
    private mutating func take(_ part: ArraySlice<UInt8>, account: String, _ places: inout [String: Int]) {
        guard let text = String(validating: part, as: UTF8.self),
            let head = try? JSONDecoder().decode(Head.self, from: Data(part))
        else {
            let problem = "row \(count + 1) of the page is no JSON object in UTF-8"
            refused.append(RefusedRow(key: nil, id: nil, problem: problem))
            return
        }
        guard let id = head.id?.text, (1...Self.idBytesMax).contains(id.utf8.count), !id.utf8.contains(0) else {
            let problem = "row \(count + 1) of the page has no id of 1 to \(Self.idBytesMax) bytes"
            refused.append(RefusedRow(key: nil, id: nil, problem: problem))
            return
        }
        let row = FetchedRow(key: OriginKey.make(account, id), id: id, payload: text)
        if let place = places.updateValue(rows.count, forKey: row.key) {
            places[row.key] = place
            rows[place] = row
        } else {
            rows.append(row)
        }
    }

    private static func mark(_ name: String, _ value: ArraySlice<UInt8>?) throws(SyncError) -> String? {
        guard let value else { return nil }
        guard let mark = try? JSONDecoder().decode(Mark?.self, from: Data(value)) else {
            guard value.elementsEqual("null".utf8) else {
                throw SyncError(.badAnswer, "the page's \(name) is neither text nor a number")
            }
            return nil
        }
        guard mark.text.utf8.count <= cursorBytesMax, !mark.text.utf8.contains(0) else {
            throw SyncError(.badAnswer, "the page's \(name) is longer than \(cursorBytesMax) bytes")
        }
        return mark.text.isEmpty ? nil : mark.text
    }

    private static func text(_ quoted: ArraySlice<UInt8>) -> String? {
        try? JSONDecoder().decode(String.self, from: Data(quoted))
    }

    /// Text, or a whole number, which some have in place of it.
    private struct Mark: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            text = try (try? container.decode(Int64.self)).map(String.init) ?? container.decode(String.self)
        }
    }

    private struct Head: Decodable {
        let id: Mark?

        enum CodingKeys: CodingKey { case id }

        /// An id of another type is none.
        init(from decoder: any Decoder) throws {
            id = try? decoder.container(keyedBy: CodingKeys.self).decode(Mark.self, forKey: .id)
            if id == nil { _ = try decoder.container(keyedBy: CodingKeys.self) }
        }
    }
}
