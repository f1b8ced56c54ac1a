import Foundation
package import QuartetCore

extension SweepReport {
    /// A page of HTML that needs nothing else: what was compared, how fast, and what was found.
    package var page: String {
        let state = isConsistent ? "good" : "bad"
        let title = isConsistent ? "The stores agree" : "\(Self.grouped(remaining)) findings remain"
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Quartet: \(Self.escaped(title))</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <header class="\(state)">
            <p class="kind">Consistency · \(reach) sweep\(sample < 1 ? " · sample of \(sample)" : "")</p>
            <h1>\(Self.escaped(title))</h1>
            <p>\(Self.escaped(headline))</p>
            </header>
            <main>
            \(facts)
            <h2>Invariants</h2>
            \(invariantTable)
            <h2>Compared</h2>
            \(walkTable)
            <h2>Findings</h2>
            \(findings.isEmpty ? "<p class=\"none\">None.</p>" : findings.map(Self.section).joined(separator: "\n"))
            </main>
            <footer>Sweep \(id.uuidString.lowercased()). Every finding was seen twice, and is in consistency_findings.\
            </footer>
            </body>
            </html>

            """
    }

    private var facts: String {
        var facts = [
            ("Began", Self.time(startedAt)), ("Ended", Self.time(finishedAt)),
            ("Judged", "what is older than \(Self.time(settledBefore))"),
        ]
        if let since { facts.append(("Since", Self.time(since))) }
        if let oldest { facts.append(("Oldest mismatch", Self.time(oldest))) }
        if resumes > 0 { facts.append(("Cut off and resumed", "\(resumes)")) }
        facts.append(("Repairs", repairs ? "on" : "off"))
        let items = facts.map { "<div><dt>\($0.0)</dt><dd>\(Self.escaped($0.1))</dd></div>" }
        return "<dl>\(items.joined())</dl>"
    }

    private var invariantTable: String {
        let rows = invariants.map { checked in
            let (state, word) =
                !checked.isChecked
                ? ("off", checked.reason ?? "not checked")
                : checked.remaining > 0
                    ? ("bad", "\(Self.grouped(checked.remaining)) remain")
                    : ("good", checked.found > 0 ? "\(Self.grouped(checked.found)) repaired" : "holds")
            return """
                <tr><td>\(checked.invariant.rawValue)</td><td>\(Self.escaped(checked.title))</td>\
                <td class="\(state)">\(Self.escaped(word))</td></tr>
                """
        }
        return "<table><tbody>\(rows.joined(separator: "\n"))</tbody></table>"
    }

    private var walkTable: String {
        let most = max(1, walks.map(\.perSecond).max() ?? 1)
        let rows = walks.map { walk in
            """
            <tr><td>\(Self.escaped(walk.title))</td><td class="n">\(Self.grouped(walk.rows)) \(walk.unit)</td>\
            <td class="n">\(walk.seconds) s</td><td class="rate"><span style="width:\(walk.perSecond * 100 / most)%">\
            </span><b>\(Self.grouped(walk.perSecond)) / s</b></td></tr>
            """
        }
        return """
            <table><thead><tr><th>Walk</th><th class="n">Rows</th><th class="n">Time</th><th>Rate</th></tr></thead>\
            <tbody>\(rows.joined(separator: "\n"))</tbody></table>
            """
    }

    private static func section(_ kind: Kind) -> String {
        let rows = kind.examples.map { finding in
            let repair = finding.repair.map {
                """
                <p class="\($0.isDone ? "good" : "bad")">\(escaped($0.action))\($0.isDone ? "" : " — not mended")</p>\
                <p class="small">\(escaped($0.after))</p>
                """
            }
            let since = finding.since.map(time) ?? "—"
            return """
                <tr><td><code>\(escaped(finding.key))</code><p class="small">\(escaped(finding.detail))</p></td>\
                <td class="n">\(since)</td><td>\(repair ?? "—")</td></tr>
                """
        }
        let shown = kind.examples.count < kind.found ? ", \(grouped(kind.examples.count)) shown" : ""
        return """
            <section>
            <h3>\(kind.invariant.rawValue) · \(escaped(kind.title))</h3>
            <p class="small">\(grouped(kind.found)) found, \(grouped(kind.repaired)) repaired\(shown)\
            \(kind.oldest.map { ", the oldest from \(time($0))" } ?? "")</p>
            <table><thead><tr><th>Key</th><th class="n">Since</th><th>Repair</th></tr></thead><tbody>
            \(rows.joined(separator: "\n"))
            </tbody></table>
            </section>
            """
    }

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }

    private static let style = """
        :root{--ink:#1d2429;--soft:#66737c;--line:#dfe4e8;--paper:#fff;--good:#13795b;--bad:#b3261e;--bar:#cfe6de}
        @media(prefers-color-scheme:dark){:root{--ink:#e4e9ec;--soft:#98a4ac;--line:#333c43;--paper:#14191d;\
        --good:#5cc7a3;--bad:#ff8a80;--bar:#234a3e}}
        *{box-sizing:border-box}
        body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
        header,main,footer{max-width:62rem;margin:0 auto;padding:1rem 1.5rem}
        header{padding-top:2.5rem;border-bottom:3px solid var(--good)}header.bad{border-color:var(--bad)}
        h1{margin:.1em 0;font-size:2rem}h2{margin:2.2rem 0 .6rem;font-size:1.2rem}h3{margin:1.6rem 0 0;font-size:1rem}
        .kind,.small,dt,footer{color:var(--soft);font-size:.85rem;margin:.1rem 0}
        dl{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:1.2rem 0}dd{margin:0}
        table{width:100%;border-collapse:collapse}
        td,th{text-align:left;padding:.45rem .7rem .45rem 0;border-bottom:1px solid var(--line);vertical-align:top}
        th{color:var(--soft);font-weight:500;font-size:.85rem}.n{text-align:right;white-space:nowrap}
        td.good,p.good{color:var(--good)}td.bad,p.bad{color:var(--bad);font-weight:600}td.off{color:var(--soft)}
        td p{margin:.1rem 0}code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
        .rate{position:relative;width:35%}.rate span{position:absolute;left:0;top:.35rem;bottom:.35rem;\
        background:var(--bar);border-radius:3px}.rate b{position:relative;padding-left:.5rem;font-weight:500}
        .none{color:var(--good)}
        """
}
