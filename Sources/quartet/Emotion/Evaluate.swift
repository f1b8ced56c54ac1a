import ArgumentParser
import QuartetCore
import QuartetEmotion

/// Measures an analyser on labelled texts.
struct Evaluate: AsyncParsableCommand {
    enum Analyzer: String, CaseIterable, ExpressibleByArgument {
        case model, lexicon
    }

    static let configuration = CommandConfiguration(
        abstract: "Measure an analyser on labelled texts.",
        discussion: """
            FILE has `rating TAB text` or `text TAB label[,label]` a line, plain or gzipped. Polarity is right where its
            sign is that of a rating of 1...4 or 9...10; other ratings are left out. With a third column, the source, the
            rating is the mean of several people's, and 7 or more is good. An emotion is right where it is among
            the labels; macro-F1 is the mean over the seven. The calibration error compares probabilities with how often
            they came true.
            """)

    @Argument(help: "Files of labelled texts.")
    var files: [String]

    @Option(help: "model or lexicon.")
    var analyzer = Analyzer.model

    @Option(help: "A model file; the one inside the program without it.")
    var model: String?

    @Flag(help: "The files have `text TAB term +|- category; ...` a line: measure the aspects that are found.")
    var aspects = false

    @Flag(help: "Print a JSON object for each file.")
    var json = false

    func run() async throws {
        if aspects {
            for file in files { try evaluateAspects(file) }
            return
        }
        let analyzer = try chosenAnalyzer()
        for file in files {
            let evaluation = try await ModelEvaluation.measure(LabelledFile(path: file).examples(), by: analyzer)
            if json {
                Terminal.out(try EvaluationView(evaluation).json(file: file, analyzer: analyzer.identity))
            } else {
                Terminal.out("\(file), by \(analyzer.identity)\n\(EvaluationView(evaluation).text)")
            }
        }
    }

    private func evaluateAspects(_ file: String) throws {
        var (evaluation, reader) = (AspectEvaluation(), AspectReader())
        for (text, labels) in try LabelledFile(path: file).aspects() {
            evaluation.add(reader.read(text), labels: labels)
        }
        Terminal.out(
            json ? try EvaluationView.json(file: file, evaluation) : EvaluationView.text(file: file, evaluation))
    }

    private func chosenAnalyzer() throws -> any EmotionAnalyzer {
        switch self.analyzer {
        case .lexicon: return LexiconAnalyzer()
        case .model:
            guard let model else { return ModelAnalyzer(model: try EmotionModel.embedded()) }
            return ModelAnalyzer(model: try EmotionModel(path: model))
        }
    }
}
