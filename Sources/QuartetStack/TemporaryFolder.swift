import ClientSupport
package import Foundation

/// A folder for servers that are thrown away with the process.
package enum TemporaryFolder {
    /// Makes a folder that is removed, after the servers, when this process ends, however it ends. An ordinary exit waits
    /// until they are gone.
    ///
    /// - Throws: `StackError` when it can't be made.
    package static func make() throws -> URL {
        var template = Array((FileManager.default.temporaryDirectory.path + "/quartet-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw StackError.system(.cannotUseDirectory, "can't make a temporary folder")
        }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // A server that runs as a user of its own must pass through.
        chmod(path, 0o711)
        let folder = URL(fileURLWithPath: path)
        try Watchdog.shared().removeAtEnd(folder)
        ProcessEnd.onEnd { Watchdog.finish() }
        return folder
    }
}
