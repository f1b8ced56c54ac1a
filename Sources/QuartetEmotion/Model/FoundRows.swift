internal import CEmotionModel

/// The rows of weights that a text's features fall on, found first and read afterwards: memory is fetched while the
/// others are found. The buffers are kept for the next text.
struct FoundRows {
    private struct Row {
        /// In bytes, from the first row.
        let offset: UInt32
        /// The symbol where the feature begins.
        let position: Int32
    }

    /// So many rows of signed bytes sum up in 16 bits.
    private static let rowsPerPart = 256

    private var rows: [Row] = []
    private(set) var count = 0

    mutating func collect(
        _ features: borrowing TextFeatures, _ symbols: Span<UInt8>, marks: Span<TextFeatures.Mark>, bucketCount: UInt32,
        in weights: UnsafeRawPointer
    ) {
        let (countMax, buckets) = (features.countMax(symbols, marks: marks), features.buckets(of: bucketCount))
        if rows.count < countMax {
            rows.append(contentsOf: repeatElement(Row(offset: 0, position: 0), count: countMax - rows.count))
        }
        count = rows.withUnsafeMutableBufferPointer { rows in
            var count = 0
            features.walk(symbols, marks: marks) { hash, position in
                let offset = buckets.bucket(of: hash) &* ModelParameters.lanes
                quartet_prefetch(weights + offset)
                rows[count] = Row(offset: UInt32(truncatingIfNeeded: offset), position: position)
                count &+= 1
            }
            return count
        }
    }

    /// The sum of the rows.
    func sum(in weights: UnsafeRawPointer) -> SIMD8<Int32> {
        rows.withUnsafeBufferPointer { rows in
            var (sum, index) = (SIMD8<Int32>.zero, 0)
            while index < count {
                let end = min(index + Self.rowsPerPart, count)
                var part = SIMD8<Int16>.zero
                while index < end {
                    let row = weights.loadUnaligned(
                        fromByteOffset: Int(rows[index].offset), as: SIMD8<Int8>.self)
                    part &+= SIMD8<Int16>(truncatingIfNeeded: row)
                    index &+= 1
                }
                sum &+= SIMD8<Int32>(truncatingIfNeeded: part)
            }
            return sum
        }
    }

    /// Visits the rows in the order of the walk.
    @inline(__always)
    func forEach(in weights: UnsafeRawPointer, _ visit: (_ row: UnsafeRawPointer, _ position: Int) -> Void) {
        rows.withUnsafeBufferPointer { rows in
            for index in 0..<count { visit(weights + Int(rows[index].offset), Int(rows[index].position)) }
        }
    }
}
