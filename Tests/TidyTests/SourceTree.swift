import Foundation

/// A file of the repository, or a snippet that stands for one.
struct SourceFile: Sendable {
    /// From the package's root: `Sources/Redis/RedisClient.swift`.
    let path: String
    let text: String
    let swift: SwiftText

    init(_ path: String, _ text: String) {
        self.path = path
        self.text = text
        swift = SwiftText(path.hasSuffix(".swift") ? text : "")
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isTest: Bool { path.hasPrefix("Tests/") }

    /// The target that a Swift file belongs to; nil for the manifest.
    var module: String? {
        let parts = path.split(separator: "/").map(String.init)
        return switch parts.first {
        case "Sources" where parts.count > 3 && parts[1] == "Services": parts[2]
        case "Sources", "Tests": parts.count > 2 ? parts[1] : nil
        case "infra": isSwift ? "QuartetMigrations" : nil
        default: nil
        }
    }

    /// The service whose room it is in.
    var service: String? {
        let parts = path.split(separator: "/").map(String.init)
        return parts.count > 3 && parts[..<2] == ["Sources", "Services"] ? parts[2] : nil
    }

    func finding(line: Int, _ message: String) -> Finding {
        Finding(path: path, line: line, message: message)
    }
}

/// A breach of a rule.
struct Finding: Sendable, Hashable, CustomStringConvertible {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// What is written in the repository, as it is on the disk.
enum SourceTree {
    static let root: URL = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        repeat {
            folder.deleteLastPathComponent()
        } while !FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path)
        return folder
    }()

    /// Every file of code, configuration and prose.
    static let files: [SourceFile] = {
        let found = ["Sources", "Tests", "infra", "config", ".ci"].flatMap(files(under:))
        return (found + ["Package.swift", "README.md"]).sorted().compactMap(read)
    }()

    static var swiftFiles: [SourceFile] { files.filter(\.isSwift) }

    private static func files(under folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
        return (names?.compactMap { $0 as? String } ?? [])
            .filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") && $0 != ".env.example" } }
            .map { "\(folder)/\($0)" }
    }

    private static func read(_ path: String) -> SourceFile? {
        let file = root.appendingPathComponent(path)
        return (try? String(contentsOf: file, encoding: .utf8)).map { SourceFile(path, $0) }
    }
}
