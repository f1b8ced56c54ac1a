import Foundation
import QuartetAPI
import Testing

@testable import QuartetService

/// The files in config/ say what the code does.
@Suite struct ConfigurationFileTests {
    @Test func theFileHasEveryKeyWithTheCodesDefault() throws {
        let reader = try SettingsReader(filePath: Files.configuration, environment: [:])
        for known in try QuartetConfiguration.knownKeys() {
            #expect(reader.file[known.key] == known.fallback, "\(known.key)")
        }
    }

    @Test func theFileHasNoOtherKeys() throws {
        #expect(throws: Never.self) { try loaded([:]) }
    }

    @Test func aKeyIsReadOnce() throws {
        let keys = try QuartetConfiguration.knownKeys().map(\.key)
        #expect(Set(keys).count == keys.count)
        #expect(Set(keys.map(SettingsReader.environmentName)).count == keys.count)
    }

    @Test func theExampleOfAnEnvironmentNamesKnownKeysAndCanBeLoaded() throws {
        let lines = try String(contentsOfFile: Files.environmentExample, encoding: .utf8).split(separator: "\n")
        let assignments = lines.filter { !$0.hasPrefix("#") }
        let known = Set(try QuartetConfiguration.knownKeys().map { SettingsReader.environmentName(of: $0.key) })
        var environment: [String: String] = [:]
        for assignment in assignments {
            let parts = assignment.split(separator: "=", maxSplits: 1).map(String.init)
            try #require(parts.count == 2, "\(assignment)")
            #expect(known.contains(parts[0]), "\(parts[0])")
            environment[parts[0]] = parts[1]
        }
        #expect(environment["QUARTET_API_KEY"] != nil)
        #expect(try loaded(environment).api.key == environment["QUARTET_API_KEY"])
    }
}
