import NIOCore

/// Why nothing can be listened for, by the keys that say where.
package struct ListenError: Error, CustomStringConvertible {
    package let description: String

    /// Runs `body`; what the operating system says against the address is an error of this kind.
    static func naming(_ part: String, host: String, port: Int, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as IOError {
            throw ListenError(part, host, port, IOError(errnoCode: error.errnoCode, reason: "can't listen").description)
        } catch let error as SocketAddressError.UnknownHost {
            throw ListenError(part, host, port, "\(error)")
        } catch let error as SocketAddressError {
            throw ListenError(part, host, port, "\(error)")
        }
    }

    private init(_ part: String, _ host: String, _ port: Int, _ reason: String) {
        description = "\(part).host and \(part).port, \(host) and \(port): \(reason)"
    }
}
