#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The two functions of the C library that models need.
enum Exponential {
    @inline(__always)
    static func of(_ value: Float) -> Float { exp(value) }
}

enum NaturalLogarithm {
    static func of(_ value: Float) -> Float { log(value) }
}
