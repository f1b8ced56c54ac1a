/// Why a model file can't be used.
package struct ModelFileError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable {
        case noModel, version, features, damaged
    }

    package let code: Code
    package let message: String

    package var description: String { "emotion model: \(message)" }
}

/// The model file: 64 bytes of header, the parameters of each language, rows of eight signed bytes, one for each bucket,
/// and notes in plain text. Little-endian.
///
/// | offset | |
/// | --- | --- |
/// | 0 | `QEMOTION` |
/// | 8 | version of the format, 32 bits |
/// | 12 | buckets, 32 bits |
/// | 16 | fingerprint of the features, 64 bits |
/// | 24 | bytes of the notes, 32 bits; then 32 bits that are 0 |
/// | 32 | checksum of all bytes but these, 64 bits; then zeros up to 64 |
struct ModelFile {
    static let formatVersion: UInt32 = 3
    static let headerBytes = 64
    static let parameterBytes = ModelLanguage.allCases.count * ModelParameters.floats * 4
    static let weightsOffset = headerBytes + parameterBytes

    private static let magic: [UInt8] = Array("QEMOTION".utf8)
    private static let checksumOffset = 32
    private static let parameterMax: Float = 10_000

    var bucketCount: UInt32
    var parameters: [ModelParameters]
    var notes: String
    private(set) var checksum: UInt64 = 0

    init(bucketCount: UInt32, parameters: [ModelParameters], notes: String) {
        (self.bucketCount, self.parameters, self.notes) = (bucketCount, parameters, notes)
    }

    /// The bytes of a model with these weights, `bucketCount` rows of eight.
    func encode(weights: [Int8]) -> [UInt8] {
        precondition(weights.count == Int(bucketCount) * ModelParameters.lanes, "a row for each bucket")
        var bytes = Self.magic
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        append(Self.formatVersion)
        append(bucketCount)
        append(TextFeatures.fingerprint)
        append(UInt32(notes.utf8.count))
        while bytes.count < Self.headerBytes { bytes.append(0) }
        for parameters in parameters { for value in parameters.floats { append(value.bitPattern) } }
        bytes.append(contentsOf: weights.lazy.map(UInt8.init(bitPattern:)))
        bytes += notes.utf8
        Self.stamp(&bytes)
        return bytes
    }

    /// Writes the checksum of what is there.
    static func stamp(_ bytes: inout [UInt8]) {
        guard bytes.count >= headerBytes else { return }
        let sum = bytes.withUnsafeBytes { checksum(of: $0) }
        for index in 0..<8 { bytes[checksumOffset + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
    }

    /// - Throws: `ModelFileError` in one line that says what is wrong with the bytes.
    init(decoding bytes: UnsafeRawBufferPointer) throws(ModelFileError) {
        guard bytes.count >= Self.weightsOffset, bytes.starts(with: Self.magic) else {
            throw ModelFileError(code: .noModel, message: "not a model file")
        }
        func load<Value: FixedWidthInteger>(_ offset: Int, as type: Value.Type) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
        let version = load(8, as: UInt32.self)
        guard version == Self.formatVersion else {
            throw ModelFileError(
                code: .version, message: "version \(version) of the format, this program reads \(Self.formatVersion)")
        }
        bucketCount = load(12, as: UInt32.self)
        let noteBytes = Int(load(24, as: UInt32.self))
        let weightsEnd = Self.weightsOffset + Int(bucketCount) * ModelParameters.lanes
        guard bucketCount > 0, weightsEnd + noteBytes == bytes.count else {
            throw ModelFileError(
                code: .damaged, message: "\(bytes.count) bytes, the header says \(weightsEnd + noteBytes)")
        }
        checksum = load(Self.checksumOffset, as: UInt64.self)
        guard checksum == Self.checksum(of: bytes) else {
            throw ModelFileError(code: .damaged, message: "the checksum does not match, the file is damaged")
        }
        guard load(16, as: UInt64.self) == TextFeatures.fingerprint else {
            throw ModelFileError(
                code: .features, message: "trained with other features or another lexicon; train it again")
        }
        parameters = ModelLanguage.allCases.map { language in
            let start = Self.headerBytes + language.rawValue * ModelParameters.floats * 4
            return ModelParameters(
                floats: (0..<ModelParameters.floats).map {
                    Float(bitPattern: load(start + 4 * $0, as: UInt32.self))
                })
        }
        guard parameters.allSatisfy({ $0.floats.allSatisfy { abs($0) <= Self.parameterMax } }) else {
            throw ModelFileError(code: .damaged, message: "a parameter is no number, or beyond all that training gives")
        }
        notes = String(decoding: bytes[weightsEnd...], as: UTF8.self)
    }

    /// Over all bytes but its own: four chains over words of 64 bits, so that a whole model takes a millisecond.
    private static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        var (first, second, third, fourth) = (UInt64(1), UInt64(2), UInt64(3), UInt64(4))
        func mix(_ chain: inout UInt64, _ word: UInt64) {
            chain = (chain ^ UInt64(littleEndian: word)) &* 0xD6E8_FEB8_6659_FD93
            chain ^= chain >> 29
        }
        for part in [0..<checksumOffset, checksumOffset + 8..<bytes.count] {
            var offset = part.lowerBound
            while offset + 32 <= part.upperBound {
                mix(&first, bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                mix(&second, bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
                mix(&third, bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self))
                mix(&fourth, bytes.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self))
                offset += 32
            }
            for index in offset..<part.upperBound { mix(&first, UInt64(bytes[index]).littleEndian) }
        }
        var sum = UInt64(bytes.count)
        for chain in [first, second, third, fourth] {
            sum = (sum ^ chain) &* 0x9E37_79B9_7F4A_7C15
            sum ^= sum >> 32
        }
        return sum
    }
}
