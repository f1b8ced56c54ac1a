/// Exponential and logarithm by additions, multiplications and divisions alone: a C library's own differ from one to the
/// next in the last bit, and a card must not depend on the machine that made it.
enum Exponential {
    private static let perOctave = 1.442_695_040_888_963_4
    private static let octave = 0.693_147_180_559_945_3

    /// To the precision of a Float. 0 below its range; beyond its range, the largest there is of this function.
    static func of(_ value: Float) -> Float {
        guard value > -87 else { return value.isNaN ? value : 0 }
        let value = Double(min(value, 88))
        let octaves = (value * perOctave).rounded(.toNearestOrEven)
        let rest = value - octaves * octave
        // Taylor's series to the eighth term; the rest is at most half an octave, so that the ninth is below 1e-8.
        var sum = 1.0 / 5040
        sum = sum * rest + 1.0 / 720
        sum = sum * rest + 1.0 / 120
        sum = sum * rest + 1.0 / 24
        sum = sum * rest + 1.0 / 6
        sum = sum * rest + 0.5
        sum = sum * rest + 1
        sum = sum * rest + 1
        let scale = Double(bitPattern: UInt64(Int(octaves) + 1023) << 52)
        return Float(sum * scale)
    }
}

enum NaturalLogarithm {
    private static let octave = 0.693_147_180_559_945_3

    /// To the precision of a Float, of a positive finite number.
    static func of(_ value: Float) -> Float {
        precondition(value > 0 && value.isFinite, "the logarithm of \(value)")
        var (octaves, significand) = (Double(value.exponent), Double(value.significand))
        if significand > 1.414 { (octaves, significand) = (octaves + 1, significand / 2) }
        // The series of the inverse hyperbolic tangent, of at most 0.172.
        let ratio = (significand - 1) / (significand + 1)
        let square = ratio * ratio
        var sum = 0.0
        for divisor in stride(from: 15.0, through: 1, by: -2) { sum = sum * square + 1 / divisor }
        return Float(octaves * octave + 2 * ratio * sum)
    }
}
