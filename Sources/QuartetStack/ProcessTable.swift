import Foundation

/// What /proc says about processes that are not this one's children, or no longer are.
enum ProcessTable {
    /// The arguments a process was started with; empty when it is gone.
    static func arguments(of pid: pid_t) -> [String] {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return [] }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether a process runs or is stopped; one that only waits to be reaped does not.
    static func isAlive(_ pid: pid_t) -> Bool {
        guard let state = status(of: pid)?.state else { return false }
        return state != "Z" && state != "X"
    }

    /// Whether none of a process's threads runs, because it is stopped or gone.
    static func isStill(_ pid: pid_t) -> Bool {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return threads.allSatisfy { thread in
            guard let state = status(at: "/proc/\(pid)/task/\(thread)/stat")?.state else { return true }
            return "TtZX".contains(state)
        }
    }

    /// The processes that `pid` made, and those that they made.
    static func descendants(of pid: pid_t) -> [pid_t] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        var children: [pid_t: [pid_t]] = [:]
        for candidate in entries.compactMap(pid_t.init) {
            if let status = status(of: candidate) { children[status.parent, default: []].append(candidate) }
        }
        var found: [pid_t] = []
        var next = children[pid] ?? []
        while let child = next.popLast() {
            found.append(child)
            next += children[child] ?? []
        }
        return found
    }

    private static func status(of pid: pid_t) -> (state: Character, parent: pid_t)? {
        status(at: "/proc/\(pid)/stat")
    }

    private static func status(at path: String) -> (state: Character, parent: pid_t)? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        // The second field is the program's name in parentheses and may itself hold any of them.
        let text = String(decoding: bytes, as: UTF8.self)
        guard let nameEnd = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 1, let state = fields[0].first, let parent = pid_t(fields[1]) else { return nil }
        return (state, parent)
    }
}
