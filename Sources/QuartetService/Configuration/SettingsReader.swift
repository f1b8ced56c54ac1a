import Foundation
import SystemRoom
import Yams

/// What is wrong with the configuration, by the key's name.
package struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    package let key: String
    package let problem: String

    package init(key: String, problem: String) {
        self.key = key
        self.problem = problem
    }

    package var description: String { "configuration: \(key): \(problem)" }
}

/// Reads settings by dotted keys from a YAML file and, above it, from the environment: `worker.lease_duration` is
/// overridden by `WORKER_LEASE_DURATION`.
///
/// Every key that is read is known; whatever else the file holds is refused by ``finish(knowing:)``.
struct SettingsReader {
    /// A key that was read, for listing what there is.
    struct Known: Hashable {
        let key: String
        let fallback: String
        var kind = LiveSetting.Kind.text
    }

    let file: [String: String]
    private let filePath: String?
    private let environment: [String: String]
    private(set) var known: [Known] = []
    /// Secrets that are no URLs: every character counts.
    private var exact: Set<String> = []

    /// - Parameter filePath: a YAML file of nested maps; nil for none.
    init(filePath: String?, environment: [String: String]) throws {
        self.filePath = filePath
        self.environment = environment
        file = try filePath.map(Self.flatten) ?? [:]
    }

    /// - Parameter label: where the values are from, for errors.
    init(values: [String: String], label: String) {
        filePath = label
        environment = [:]
        file = values
    }

    static func environmentName(of key: String) -> String {
        key.uppercased().replacing(".", with: "_")
    }

    /// Says of the key that was read last what it takes, and whether it is given: a default is as the code has it.
    private mutating func isGiven(_ key: String, _ kind: LiveSetting.Kind) -> Bool {
        if let last = known.indices.last { known[last].kind = kind }
        return variable(of: key) != nil || file[key] != nil
    }

    /// An empty value stands for "none", so it is refused where there is none of that kind: where the default is not empty.
    mutating func string(_ key: String, _ fallback: String) throws -> String {
        known.append(Known(key: key, fallback: fallback))
        let value = variable(of: key) ?? file[key] ?? fallback
        guard !value.isEmpty || fallback.isEmpty else {
            throw ConfigurationError(
                key: key, problem: "is empty (\(source(of: key))); give it a value or leave it out")
        }
        return value
    }

    /// As ``string(_:_:)``, also from the file that the variable with `_FILE` behind its name names, as secrets are mounted.
    mutating func secret(_ key: String, _ fallback: String) throws -> String {
        if !key.hasSuffix(".url") { exact.insert(key) }
        let value = try string(key, fallback)
        let name = Self.environmentName(of: key)
        guard let path = environment["\(name)_FILE"], !path.isEmpty else { return value }
        guard environment[name] == nil else {
            throw ConfigurationError(key: key, problem: "\(name) and \(name)_FILE are both set")
        }
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else {
            throw ConfigurationError(key: key, problem: "\(path) can't be read (environment \(name)_FILE)")
        }
        return Self.withoutLineEnd(text)
    }

    /// What the environment says, without the line's end that a secret's file often has. Of a service with that name
    /// Kubernetes sets a link, `tcp://10.0.0.1:8080`, in place of a port: that is not meant for this program.
    private func variable(of key: String) -> String? {
        guard let value = environment[Self.environmentName(of: key)] else { return nil }
        if key.hasSuffix(".port"), value.hasPrefix("tcp://") || value.hasPrefix("udp://") { return nil }
        return exact.contains(key) ? Self.withoutLineEnd(value) : Self.bare(value)
    }

    /// Without blanks around it, and without the quotes that Docker leaves of a line like `KEY="value"` in an env-file.
    private static func bare(_ text: String) -> String {
        let value = text.trimmingCharacters(in: .whitespacesAndNewlines)
        for quote in ["\"", "'"] where value.count > 1 && value.hasPrefix(quote) && value.hasSuffix(quote) {
            return String(value.dropFirst().dropLast()).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return value
    }

    private static func withoutLineEnd(_ text: String) -> String {
        var text = text[...]
        while let last = text.last, last.isNewline { text = text.dropLast() }
        return String(text)
    }

    /// A host's name or address, where one of IPv6 may be in brackets as in a URL.
    mutating func host(_ key: String, _ fallback: String) throws -> String {
        let text = try string(key, fallback)
        return text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    }

    /// Reads a part of the configuration that this process may not use: then what is wrong in it is nobody's trouble.
    mutating func part(_ isUsed: Bool, _ body: (inout SettingsReader) throws -> Void) throws {
        do {
            try body(&self)
        } catch  where !isUsed {
        }
    }

    /// A value that may be left empty; `read` is asked for one that is not.
    mutating func optional<Value>(
        _ key: String, _ read: (inout SettingsReader, _ key: String) throws -> Value
    ) throws -> Value? {
        guard try !string(key, "").isEmpty else { return nil }
        // It is known by now, with no default of its own.
        let before = known
        defer { known = before }
        return try read(&self, key)
    }

    mutating func integer(_ key: String, _ fallback: Int, in range: ClosedRange<Int>) throws -> Int {
        let text = try string(key, String(fallback))
        guard isGiven(key, .integer(range)) else { return fallback }
        guard let value = Int(text.filter { $0 != "_" && $0 != " " }), range.contains(value) else {
            throw refusal(key, text, "an integer of \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A duration such as `250ms`, `10s`, `5m`, `6h` or `7d`.
    mutating func duration(
        _ key: String, _ fallback: Duration, in range: ClosedRange<Duration> = .milliseconds(1)...(.seconds(31_536_000))
    ) throws -> Duration {
        let text = try string(key, Self.text(of: fallback))
        let kind = LiveSetting.Kind.duration(min: Self.text(of: range.lowerBound), max: Self.text(of: range.upperBound))
        guard isGiven(key, kind) else { return fallback }
        guard let value = Self.duration(text), range.contains(value) else {
            throw refusal(
                key, text,
                "a duration of \(Self.text(of: range.lowerBound)) to \(Self.text(of: range.upperBound)), like 250ms or 10s"
            )
        }
        return value
    }

    mutating func choice<Value: RawRepresentable<String> & CaseIterable>(_ key: String, _ fallback: Value) throws
        -> Value
    {
        let text = try string(key, fallback.rawValue)
        guard isGiven(key, .choice(Value.allCases.map(\.rawValue))) else { return fallback }
        let name = text.lowercased().filter { $0 != " " }
        guard let value = Value(rawValue: name) else {
            throw refusal(key, text, "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    mutating func flag(_ key: String, _ fallback: Bool) throws -> Bool {
        let text = try string(key, fallback ? "true" : "false")
        guard isGiven(key, .flag) else { return fallback }
        switch text.lowercased().filter({ $0 != " " }) {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw refusal(key, text, "true or false")
        }
    }

    /// Refuses what the file holds beyond the keys that there are.
    func finish(knowing keys: [String]) throws {
        let keys = Set(keys)
        guard let unknown = file.keys.filter({ !keys.contains($0) }).min() else { return }
        throw ConfigurationError(key: unknown, problem: "no such key (in \(filePath ?? "the file"))")
    }

    func refusal(_ key: String, _ text: String, _ wanted: String) -> ConfigurationError {
        ConfigurationError(key: key, problem: "'\(text)' is not \(wanted) (\(source(of: key)))")
    }

    private func source(of key: String) -> String {
        let name = Self.environmentName(of: key)
        return variable(of: key) != nil ? "environment \(name)" : filePath ?? "default"
    }

    private static func flatten(_ path: String) throws -> [String: String] {
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else {
            throw ConfigurationError(key: path, problem: "the file can't be read")
        }
        var flat: [String: String] = [:]
        do {
            if let root = try Yams.compose(yaml: text) {
                guard root.mapping != nil else {
                    throw ConfigurationError(key: path, problem: "is no map of keys to values")
                }
                try flatten(root, at: "", into: &flat)
            }
        } catch let error as YamlError {
            // It quotes the file, whose lines may end with more than one character.
            let words = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            throw ConfigurationError(key: path, problem: "not YAML: \(words)")
        }
        return flat
    }

    private static func flatten(_ node: Node, at path: String, into flat: inout [String: String]) throws {
        switch node {
        case .scalar(let scalar): flat[path] = scalar.string
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard let name = key.string, !name.isEmpty else {
                    throw ConfigurationError(key: path.isEmpty ? "the file" : path, problem: "a key is not a word")
                }
                try flatten(value, at: path.isEmpty ? name : "\(path).\(name)", into: &flat)
            }
        case .sequence, .alias: throw ConfigurationError(key: path, problem: "is not a single value")
        }
    }

    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    static func duration(_ text: String) -> Duration? {
        for unit in units where text.hasSuffix(unit.suffix) {
            guard let count = Int64(text.dropLast(unit.suffix.count)) else { continue }
            let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
            return overflow ? nil : .milliseconds(milliseconds)
        }
        return nil
    }

    /// The shortest way to write a duration.
    static func text(of duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        let unit = units.last { milliseconds % $0.milliseconds == 0 && milliseconds >= $0.milliseconds } ?? units[0]
        return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
    }
}

extension Duration {
    /// Of text such as `250ms`, `10s`, `5m`, `6h` or `7d`.
    package init?(setting text: String) {
        guard let duration = SettingsReader.duration(text) else { return nil }
        self = duration
    }

    package var setting: String { SettingsReader.text(of: self) }
}
