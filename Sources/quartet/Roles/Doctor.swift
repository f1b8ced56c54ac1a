import ArgumentParser
import QuartetService

/// Looks at everything that Quartet needs.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at every database, table, store, topic and queue, and say what to do where something is amiss.",
        discussion: """
            Changes nothing. Exits with 0 if all is well or could be better, 1 if something does not work, 2 if the \
            configuration can't be used.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print the lines as JSON.")
    var json = false

    @Flag(help: "Leave out what is well.")
    var quiet = false

    func run() async throws {
        let lines: [DoctorLine]
        do {
            lines = try await configuration.withComposition("doctor") { await $0.examine() }
        } catch {
            Terminal.say("doctor: \(error)")
            throw ExitCode(2)
        }
        for line in lines where !quiet || line.verdict != .ok {
            Terminal.out(try json ? JSONLine.text(line) : Self.text(line))
        }
        let problems = lines.count { $0.verdict == .problem }
        let warnings = lines.count { $0.verdict == .warning }
        if !json { Terminal.out("\(lines.count) looked at, \(problems) problems, \(warnings) warnings") }
        if problems > 0 { throw ExitCode(1) }
    }

    private static func text(_ line: DoctorLine) -> String {
        let mark =
            switch line.verdict {
            case .ok: "ok     "
            case .warning: "WARNING"
            case .problem: "PROBLEM"
            }
        return "\(mark) \(line.subject): \(line.finding)" + (line.advice.map { "\n        → \($0)" } ?? "")
    }
}
