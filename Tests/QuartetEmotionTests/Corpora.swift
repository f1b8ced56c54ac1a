import Foundation
import QuartetCore
import QuartetEmotion
import QuartetStack
import Testing

/// The public corpora, on machines that have them beside the project.
enum Corpora {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "../shared/data")

    static var areAtHand: Bool { FileManager.default.fileExists(atPath: folder.path) }

    /// Every `interval`-th line of a file, of either kind.
    static func examples(_ file: String, every interval: Int) async throws -> [TrainingExample] {
        let archive = folder.appending(path: file)
        let output = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: output) }
        let script = "gzip -dc \"$0\" | awk 'NR % \(interval) == 0'"
        let process = try ChildProcess(["/bin/sh", "-c", script, archive.path], log: output, orphanSignal: "TERM")
        await process.waitForEnd()
        try #require(process.end == .status(0))
        let data = try Data(contentsOf: output)
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map { $0.split(separator: "\t") }
        if file.hasPrefix("sentiment") {
            return lines.filter { $0.count == 2 }.map {
                TrainingExample(text: String($0[1]), label: .rating(Int($0[0]) ?? 0))
            }
        }
        let ekman = try ekmanEmotions()
        return lines.filter { $0.count >= 2 }.map { fields in
            let labels = fields[1].split(separator: ",").compactMap { Int($0) }.map { EmotionSet(ekman[$0]) }
            return TrainingExample(text: String(fields[0]), label: .emotions(labels.reduce([]) { $0.union($1) }))
        }
    }

    /// The emotion of each label number.
    private static func ekmanEmotions() throws -> [Emotion] {
        let emotions = folder.appending(path: "emotions")
        let groups = try JSONDecoder().decode(
            [String: [String]].self, from: Data(contentsOf: emotions.appending(path: "ekman.json")))
        let labels = try String(contentsOf: emotions.appending(path: "labels.txt"), encoding: .utf8)
        return try labels.split(separator: "\n").map { label in
            let group = try #require(groups.first { $0.value.contains(String(label)) })
            return try #require(Emotion(rawValue: group.key))
        }
    }
}
