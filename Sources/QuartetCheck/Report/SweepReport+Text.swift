import Foundation
package import QuartetCore

extension SweepReport {
    /// For people, at a terminal.
    package func text(examplesMax: Int = 5) -> String {
        var lines = ["", "── \(reach) sweep · \(headline)", ""]
        for checked in invariants {
            let mark = !checked.isChecked ? "·" : checked.remaining > 0 ? "✗" : "✓"
            let name = checked.invariant.rawValue.padding(toLength: 3, withPad: " ", startingAt: 0)
            var line = "   \(mark) \(name) \(checked.title)"
            if let reason = checked.reason { line += " — not checked: \(reason)" }
            if checked.found > 0 {
                line += " — \(checked.found) found, \(checked.found - checked.remaining) repaired"
            }
            lines.append(line)
        }
        if !walks.isEmpty { lines.append("") }
        for walk in walks {
            let title = walk.title.padding(toLength: 36, withPad: " ", startingAt: 0)
            lines.append(
                "   \(title) \(Self.grouped(walk.rows)) \(walk.unit), \(Self.grouped(walk.perSecond)) a second")
        }
        for kind in findings { lines += Self.lines(of: kind, examplesMax: examplesMax) }
        return lines.joined(separator: "\n")
    }

    package var headline: String {
        let seconds = finishedAt.timeIntervalSince(startedAt)
        let time = "in \((seconds * 10).rounded() / 10) s"
        if found == 0 { return "the stores agree, \(time)" }
        let oldest = oldest.map { ", the oldest from \(Self.time($0))" } ?? ""
        return "\(Self.grouped(found)) found, \(Self.grouped(repaired)) repaired, \(Self.grouped(remaining)) remain"
            + "\(oldest), \(time)"
    }

    private static func lines(of kind: Kind, examplesMax: Int) -> [String] {
        var lines = ["", "   \(kind.invariant.rawValue) \(kind.title): \(grouped(kind.found))"]
        for example in kind.examples.prefix(examplesMax) {
            lines.append("      \(example.key)")
            lines.append("        \(example.detail)")
            if let repair = example.repair {
                lines.append("        \(repair.action)\(repair.isDone ? "" : " — NOT mended"): \(repair.after)")
            }
        }
        let rest = kind.found - min(examplesMax, kind.examples.count)
        if rest > 0 { lines.append("      and \(grouped(rest)) more, in consistency_findings") }
        return lines
    }

    /// With a comma at each third digit.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(abs(number)))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }

    static func time(_ date: Date) -> String { date.formatted(.iso8601) }

    /// Indented JSON.
    package func json() throws -> String {
        let document = Document(
            consistent: isConsistent, found: found, repaired: repaired, remaining: remaining, oldest: oldest,
            sweep: self)
        return try ReportJSON.text(of: document)
    }

    private struct Document: Encodable {
        let consistent: Bool
        let found: Int
        let repaired: Int
        let remaining: Int
        let oldest: Date?
        let sweep: SweepReport
    }
}
