import Foundation
import Testing

@testable import QuartetEmotion

@Suite("Elementary functions")
struct ElementaryFunctionTests {
    @Test("The exponential is the library's to the precision of a Float")
    func exponential() {
        for step in -8_699...8_800 {
            let value = Float(step) / 100
            let expected = exp(Double(value))
            #expect(abs(Double(Exponential.of(value)) - expected) <= 1.2e-7 * expected, "\(value)")
        }
        #expect(Exponential.of(0) == 1)
        #expect(Exponential.of(-1_000) == 0)
        #expect(Exponential.of(-.infinity) == 0)
        #expect(Exponential.of(.infinity).isFinite)
        #expect(Exponential.of(.nan).isNaN)
    }

    @Test("The logarithm is the library's to the precision of a Float")
    func logarithm() {
        for step in 1...20_000 {
            let value = Float(step) / 1_000
            let expected = log(Double(value))
            #expect(abs(Double(NaturalLogarithm.of(value)) - expected) <= 1e-7 * max(abs(expected), 0.1), "\(value)")
        }
        for value: Float in [1e-37, 1e-12, 3e20] {
            #expect(abs(Double(NaturalLogarithm.of(value)) - log(Double(value))) < 1e-5)
        }
        #expect(NaturalLogarithm.of(1) == 0)
    }
}
