import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetEmotion

@Suite("Model file", .ownThread)
struct ModelFileTests {
    private static let weights = (0..<8 * 16).map { Int8(truncatingIfNeeded: $0 &* 37) }

    private static func file() -> [UInt8] {
        var parameters = ModelParameters()
        (parameters.factors[3], parameters.offsets[7], parameters.floor) = (0.25, -1.5, 0.2)
        parameters.leaning[6] = 0.125
        return ModelFile(bucketCount: 16, parameters: [parameters, ModelParameters()], notes: "CC0 자료")
            .encode(weights: weights)
    }

    private func failure(_ bytes: [UInt8]) -> ModelFileError? {
        do {
            _ = try EmotionModel(bytes: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test("What is written is read")
    func roundTrip() throws {
        let bytes = Self.file()
        let model = try EmotionModel(bytes: bytes)
        #expect(model.notes == "CC0 자료")
        #expect(model.bucketCount == 16)
        #expect(model.parameters[0].factors[3] == 0.25)
        #expect(model.parameters[0].offsets[7] == -1.5)
        #expect(model.parameters[0].floor == 0.2)
        #expect(model.parameters[0].leaning[6] == 0.125)
        let rows = model.withRows { rows in
            (0..<Self.weights.count).map { rows.load(fromByteOffset: $0, as: Int8.self) }
        }
        #expect(rows == Self.weights)
    }

    @Test("Every byte that changes is noticed, and said in one line")
    func damage() {
        let bytes = Self.file()
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            let error = failure(damaged)
            #expect(error != nil, "byte \(index)")
            #expect(error?.description.contains("\n") == false)
        }
    }

    @Test("Another file, a cut one, another version and other features are told apart")
    func codes() {
        let bytes = Self.file()
        #expect(failure([])?.code == .noModel)
        #expect(failure(Array("not a model at all".utf8) + bytes)?.code == .noModel)
        #expect(failure(Array(bytes.dropLast()))?.code == .damaged)
        #expect(failure(bytes + [0])?.code == .damaged)
        var version = bytes
        version[8] = 9
        #expect(failure(version)?.code == .version)
        #expect(failure(version)?.description == "emotion model: version 9 of the format, this program reads 3")
        var weights = bytes
        weights[ModelFile.weightsOffset] ^= 1
        #expect(failure(weights)?.code == .damaged)
    }

    @Test("The model that ships is whole, small, and says where it comes from")
    func embedded() throws {
        let model = try EmotionModel.embedded()
        let bytes = Int(model.bucketCount) * 8 + ModelFile.weightsOffset + model.notes.utf8.count
        #expect(bytes <= 4_000_000)
        #expect(model.notes.contains("CC0 1.0") && model.notes.contains("Apache-2.0"))
        let identity = ModelAnalyzer(model: model).identity
        #expect(identity.name == "model")
        #expect(identity.version.wholeMatch(of: /[0-9a-f]{16}\.[0-9]+/) != nil)
    }

    @Test("Features of a text are what they were when the model that ships was trained")
    func features() {
        var features = DocumentFeatures(bucketCount: 499_712)
        var (text, evidence, marks) = (FoldedText(), Evidence(), [TextFeatures.Mark]())
        text.fold("정말 재밌어요 ㅋㅋ not bad at all 😡 3.5".utf8.span)
        evidence.collect(from: text, by: .standard)
        for hit in evidence.hits { TextFeatures.appendMarks(of: hit, to: &marks) }
        features.read(text.symbols.span, marks: marks.span)
        let digest = features.buckets.reduce(UInt64(7)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        #expect(features.buckets.count == 275)
        #expect(digest == 6_163_576_665_617_085_591)
    }
}
