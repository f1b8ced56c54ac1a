import Foundation
import QuartetService
import Testing

/// The package's own files, and files that a test writes.
enum Files {
    static let root: URL = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        repeat {
            folder.deleteLastPathComponent()
        } while !FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path)
        return folder
    }()

    static var configuration: String { root.appendingPathComponent("config/quartet.yaml").path }
    static var environmentExample: String { root.appendingPathComponent("config/.env.example").path }

    /// Runs `body` with a file that holds `text`.
    static func withFile<Value>(_ text: String, _ body: (String) throws -> Value) throws -> Value {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("quartet-configuration-\(UUID().uuidString).yaml").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }
}

/// The error that reading gives, with the file that `text` is and nothing but `environment` in the environment.
func refusal(file text: String? = nil, environment: [String: String] = [:]) throws -> ConfigurationError {
    try #require(throws: ConfigurationError.self) {
        guard let text else {
            _ = try QuartetConfiguration.load(path: Files.configuration, environment: environment)
            return
        }
        try Files.withFile(text) { _ = try QuartetConfiguration.load(path: $0, environment: environment) }
    }
}

func loaded(_ environment: [String: String]) throws -> QuartetConfiguration {
    try QuartetConfiguration.load(path: Files.configuration, environment: environment)
}
