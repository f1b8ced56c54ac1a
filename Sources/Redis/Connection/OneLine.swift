import NIOCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What an error says of itself, on one line; an error of the operating system in its own words.
func oneLine(_ error: any Error) -> String {
    if let error = error as? IOError, let words = strerror(error.errnoCode) { return String(cString: words) }
    return String(String(describing: error).prefix(300).map { $0.isNewline ? " " : $0 })
}
