/// What was looked at, what is there, and what to do about it.
package struct DoctorLine: Sendable, Codable, Hashable {
    package enum Verdict: String, Sendable, Codable {
        case ok
        /// It works, but not as well as it should.
        case warning
        /// Something does not work, or would be lost.
        case problem
    }

    /// `database dropship`, `table catalog.products`, `topic product.events` and so on.
    package let subject: String
    package let verdict: Verdict
    package let finding: String
    /// Nil where there is nothing to do.
    package let advice: String?

    static func ok(_ subject: String, _ finding: String) -> DoctorLine {
        DoctorLine(subject: subject, verdict: .ok, finding: finding, advice: nil)
    }

    static func warning(_ subject: String, _ finding: String, advice: String) -> DoctorLine {
        DoctorLine(subject: subject, verdict: .warning, finding: finding, advice: advice)
    }

    static func problem(_ subject: String, _ finding: String, advice: String) -> DoctorLine {
        DoctorLine(subject: subject, verdict: .problem, finding: finding, advice: advice)
    }

    /// A server's clock beside this machine's, by a time that it said between two moments of ours, in seconds.
    static func clock(_ subject: String, said server: Double, between before: Double, and after: Double) -> DoctorLine {
        let difference = server < before ? server - before : max(0, server - after)
        let words = difference == 0 ? "as here" : "\((difference * 1000).rounded() / 1000) s from the one here"
        guard abs(difference) > 0.5 else { return .ok("\(subject), clock", words) }
        return .warning(
            "\(subject), clock", words,
            advice: "let both machines keep time by NTP: leases and waits are measured by the stores' clocks")
    }
}

/// What looks at one store.
protocol DoctorVisit: Sendable {
    var subject: String { get }
    /// What to look at where the store does not answer.
    var key: String { get }

    func lines() async throws -> [DoctorLine]
}
