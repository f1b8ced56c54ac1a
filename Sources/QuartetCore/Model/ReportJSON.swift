import Foundation

/// JSON for what people read as well as programs: reports and figures. Keys are in snake case and sorted, times in ISO 8601.
package enum ReportJSON {
    /// - Parameter isIndented: otherwise on one line.
    package static func text(of value: some Encodable, isIndented: Bool = true) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
