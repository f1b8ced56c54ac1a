import ArgumentParser
import Foundation
import QuartetEmotion

/// Trains an emotion model.
struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train an emotion model on labelled texts.",
        discussion: """
            --sentiment takes files of `rating TAB text`, or `rating TAB text TAB source` where the rating is the mean of
            several people's, of which every twelfth line is held out; --emotions takes
            folders with train.tsv and dev.tsv (or .tsv.gz) of `text TAB label[,label]`, ekman.json and labels.txt beside
            them or one folder up. What is held out, and dev.tsv, serve calibration alone. The same files, seed and
            program give the same bytes, whatever --threads is.
            """)

    @Option(parsing: .upToNextOption, help: "Files of rated texts, plain or gzipped.")
    var sentiment: [String] = []

    @Option(parsing: .upToNextOption, help: "Folders of texts labelled with emotions.")
    var emotions: [String] = []

    @Option(help: "Where the model goes.")
    var output: String

    @Option(help: "A text file on the data's licences and sources; it goes into the model.")
    var notes: String

    @Option(help: "A model file: a language of which there are hardly any texts stays as it is there.")
    var base: String?

    @Option(help: "What the order of the texts follows from.")
    var seed: UInt64 = 1

    @Option(help: "Threads; more than two help only while texts are read.")
    var threads = 2

    @Option(help: "Rows of eight bytes.")
    var buckets = TrainingOptions().bucketCount

    func validate() throws {
        if sentiment.isEmpty, emotions.isEmpty { throw ValidationError("give --sentiment, --emotions or both") }
        if !(1...64).contains(threads) { throw ValidationError("--threads is 1...64") }
        if !(1024...TrainingOptions().bucketCount).contains(buckets) {
            throw ValidationError("--buckets is 1024...\(TrainingOptions().bucketCount)")
        }
    }

    func run() async throws {
        var options = TrainingOptions()
        (options.seed, options.threads, options.bucketCount) = (seed, threads, buckets)
        options.notes = try String(contentsOfFile: notes, encoding: .utf8)
        options.base = try base.map { try EmotionModel(path: $0) }
        if let base = options.base, base.bucketCount != buckets {
            throw ClientError("--base has \(base.bucketCount) rows, --buckets asks for \(buckets)")
        }
        let data = try read()
        let bar = ProgressBar("train", unit: "steps")
        let bytes = await ModelTrainer(options: options) { bar.advance(total: $0.total, note: $0.note) }.train(data)
        bar.finish()
        let model = try EmotionModel(bytes: bytes)
        try Data(bytes).write(to: URL(filePath: output), options: .atomic)
        let reading = try await ModelEvaluation.measure(data.development, by: ModelAnalyzer(model: model))
        Terminal.say("\(output): \(bytes.count) bytes, \(ModelAnalyzer(model: model).identity)")
        Terminal.say("on the \(data.development.count) texts held out, which calibration has seen:")
        Terminal.out(EvaluationView(reading).text)
    }

    private func read() throws -> TrainingData {
        var data = TrainingData()
        for path in sentiment { data.addSplitting(try LabelledFile(path: path).examples()) }
        for folder in emotions {
            let training = try LabelledFile(path: Self.file("train", in: folder)).examples()
            if let development = try? Self.file("dev", in: folder) {
                data.training += training
                data.development += try LabelledFile(path: development).examples()
            } else {
                data.addSplitting(training)
            }
        }
        return data
    }

    private static func file(_ name: String, in folder: String) throws -> String {
        let paths = ["\(folder)/\(name).tsv.gz", "\(folder)/\(name).tsv"]
        guard let path = paths.first(where: FileManager.default.isReadableFile) else {
            throw ClientError("\(folder): no \(name).tsv.gz or \(name).tsv that can be read")
        }
        return path
    }
}
