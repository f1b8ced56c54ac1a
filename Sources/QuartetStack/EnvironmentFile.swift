import Foundation

/// A file of KEY=value lines that a shell can source.
enum EnvironmentFile {
    /// Replaces `file` at once, readable by its owner only: it may carry keys.
    static func write(_ variables: [String: String], to file: URL) throws {
        let lines = try variables.sorted { $0.key < $1.key }.map { name, value in
            guard !name.isEmpty, name.allSatisfy({ $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
                throw StackError(code: .invalidName, message: "\(name) is no name for an environment variable")
            }
            return "\(name)=\(ShellWord.quoted(value))\n"
        }
        let draft = file.deletingLastPathComponent().appendingPathComponent(".\(file.lastPathComponent).\(getpid())")
        let descriptor = open(draft.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StackError.system(.cannotUseDirectory, "can't write \(draft.path)") }
        let bytes = Array(lines.joined().utf8)
        let isWritten = Foundation.write(descriptor, bytes, bytes.count) == bytes.count
        guard close(descriptor) == 0, isWritten, rename(draft.path, file.path) == 0 else {
            defer { unlink(draft.path) }
            throw StackError.system(.cannotUseDirectory, "can't write \(file.path)")
        }
    }
}
