import NIOCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What an error says of itself, on one line; an error of the operating system in its own words.
func oneLine(_ error: any Error) -> String {
    if let error = error as? IOError, let words = strerror(error.errnoCode) { return String(cString: words) }
    let said = String(String(describing: error).prefix(300).map { $0.isNewline ? " " : $0 })
    guard said.contains("CERTIFICATE_VERIFY_FAILED") else { return said }
    return said + "; whoever signed the server's certificate is not trusted here: name its PEM file"
}
