import Foundation
import QuartetCore
import QuartetEmotion

/// Files of labelled texts, tab-separated, plain or gzipped: `rating TAB text`, `rating TAB text TAB source` where the
/// rating is the mean of several people's, or `text TAB label[,label] [TAB id]` with label numbers that `labels.txt` and `ekman.json` beside the file or one folder up explain.
struct LabelledFile {
    private let path: String

    init(path: String) {
        self.path = path
    }

    /// Reads the whole file, of whichever kind it is.
    ///
    /// - Throws: `ClientError` that names the first line which is of neither kind.
    func examples() throws -> [TrainingExample] {
        let text = String(decoding: try contents(), as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard let first = lines.first else { throw ClientError("\(path): no lines") }
        let isRated = Self.rating(of: first) != nil
        let labels = isRated ? [] : try EkmanLabels(besides: path).emotions
        return try lines.enumerated().map { number, line in
            guard let example = isRated ? Self.rated(line) : Self.labelled(line, by: labels) else {
                let kind = isRated ? "a rating of 1...10, a tab and a text" : "a text, a tab and label numbers"
                throw ClientError("\(path), line \(number + 1): not \(kind)")
            }
            return example
        }
    }

    /// Texts with the aspects that people found in them, `text TAB term +|- category; ...` a line.
    func aspects() throws -> [(text: String, labels: [AspectEvaluation.Label])] {
        let lines = String(decoding: try contents(), as: UTF8.self).split(separator: "\n")
        return try lines.enumerated().map { number, line in
            guard let entry = AspectEvaluation.line(line) else {
                throw ClientError("\(path), line \(number + 1): not a text, a tab and aspects")
            }
            return entry
        }
    }

    private func contents() throws -> Data {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw ClientError("\(path): no such file, or it can't be read")
        }
        guard path.hasSuffix(".gz") else { return try file.readToEnd() ?? Data() }
        let pipe = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc"]
        process.standardInput = file
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ClientError("\(path): not a whole gzip file") }
        return data
    }

    private static func rating(of line: Substring) -> Int? {
        guard let tab = line.firstIndex(of: "\t"), let rating = Int(line[..<tab]), (1...10).contains(rating) else {
            return nil
        }
        return rating
    }

    private static func rated(_ line: Substring) -> TrainingExample? {
        guard let rating = rating(of: line), let tab = line.firstIndex(of: "\t") else { return nil }
        let rest = line[line.index(after: tab)...]
        guard let source = rest.firstIndex(of: "\t") else {
            return TrainingExample(text: String(rest), label: .rating(rating))
        }
        return TrainingExample(text: String(rest[..<source]), label: .valence(rating))
    }

    private static func labelled(_ line: Substring, by labels: [Emotion]) -> TrainingExample? {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count >= 2 else { return nil }
        var set: EmotionSet = []
        for number in fields[1].split(separator: ",") {
            guard let index = Int(number), labels.indices.contains(index) else { return nil }
            set.insert(EmotionSet(labels[index]))
        }
        return set.isEmpty ? nil : TrainingExample(text: String(fields[0]), label: .emotions(set))
    }
}

/// The emotion that each label number stands for.
struct EkmanLabels {
    let emotions: [Emotion]

    /// Reads `labels.txt` (a name a line) and `ekman.json` (emotion to names) near the file at `path`.
    init(besides path: String) throws {
        let folder = URL(filePath: path).deletingLastPathComponent()
        let candidates = [folder, folder.deletingLastPathComponent()]
        let isThere = { (folder: URL) in
            FileManager.default.isReadableFile(atPath: folder.appending(path: "ekman.json").path)
        }
        guard let found = candidates.first(where: isThere) else {
            throw ClientError("\(path): neither rated, nor with ekman.json and labels.txt beside it or one folder up")
        }
        let groups = try JSONDecoder().decode(
            [String: [String]].self, from: Data(contentsOf: found.appending(path: "ekman.json")))
        let names = try String(contentsOf: found.appending(path: "labels.txt"), encoding: .utf8)
        emotions = try names.split(separator: "\n").map { name in
            let group = groups.first { $0.value.contains(String(name)) }
            guard let emotion = group.flatMap({ Emotion(rawValue: $0.key) }) else {
                throw ClientError("\(found.path): ekman.json has no emotion for \(name)")
            }
            return emotion
        }
    }
}
