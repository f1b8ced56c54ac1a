import CEmotionModel
import Foundation
import QuartetCore

/// A trained model: eight small weights for each of some hundred thousand buckets, one per emotion and one for polarity.
/// The bytes are read where they lie; copies share them.
package struct EmotionModel: Sendable {
    private enum Storage: Sendable {
        /// The file inside the executable.
        case embedded
        case loaded([UInt8])
    }

    /// Licence and sources of the data, how it was trained and what it reached.
    package let notes: String
    /// Differs between any two models; the analyser's version.
    package let checksum: UInt64
    package let bucketCount: UInt32
    let parameters: [ModelParameters]
    private let storage: Storage

    /// The model that ships.
    package static func embedded() throws(ModelFileError) -> EmotionModel {
        try EmotionModel(.embedded)
    }

    /// The model in the bytes of a file.
    package init(bytes: [UInt8]) throws(ModelFileError) {
        try self.init(.loaded(bytes))
    }

    /// The model in a file.
    ///
    /// - Throws: `ModelFileError` in one line that names the file and says what to do.
    package init(path: String) throws(ModelFileError) {
        let advice = "name a file that quartet train wrote, or none for the model inside the program"
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ModelFileError(
                code: .noModel, message: "\(path): no such file, or it can't be read; \(advice)")
        }
        do {
            try self.init(bytes: Array(data))
        } catch {
            throw ModelFileError(code: error.code, message: "\(path): \(error.message); \(advice)")
        }
    }

    private init(_ storage: Storage) throws(ModelFileError) {
        let file = try Self.withBytes(of: storage) { bytes throws(ModelFileError) in try ModelFile(decoding: bytes) }
        self.storage = storage
        (notes, checksum) = (file.notes, file.checksum)
        (bucketCount, parameters) = (file.bucketCount, file.parameters)
    }

    private static func withBytes<Value, Failure>(
        of storage: Storage, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        switch storage {
        case .embedded:
            return try body(
                UnsafeRawBufferPointer(start: quartet_emotion_model_bytes(), count: quartet_emotion_model_size()))
        case .loaded(let bytes):
            // One result type for both: the array's own method would lose the typed error.
            let result = bytes.withUnsafeBytes { buffer in
                Result { () throws(Failure) in try body(buffer) }
            }
            return try result.get()
        }
    }

    /// The rows of weights, eight bytes a bucket.
    func withRows<Value>(_ body: (UnsafeRawPointer) -> Value) -> Value {
        Self.withBytes(of: storage) { bytes in
            guard let start = bytes.baseAddress else { preconditionFailure("a model that was read has bytes") }
            return body(start + ModelFile.weightsOffset)
        }
    }
}
