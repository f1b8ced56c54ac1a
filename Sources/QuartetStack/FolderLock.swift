import Foundation
import Synchronization

/// The right to run servers in a folder. The kernel gives it back when the holder dies, however it dies.
final class FolderLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// - Throws: `StackError` that names the holder's pid when the folder is taken.
    init(_ folder: URL) throws {
        let path = folder.appendingPathComponent("lock").path
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw StackError.system(.cannotUseDirectory, "can't open \(path)") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let holder = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            close(file)
            let who = pid_t(holder.trimmingCharacters(in: .whitespacesAndNewlines)).map { "process \($0)" }
            throw StackError(code: .inUse, message: "\(folder.path) is in use by \(who ?? "another process")")
        }
        // The file stays for ever: removing a lock file while another process opens it gives both the lock.
        let pid = Array("\(getpid())\n".utf8)
        guard ftruncate(file, 0) == 0, pwrite(file, pid, pid.count, 0) == pid.count else {
            defer { close(file) }
            throw StackError.system(.cannotUseDirectory, "can't write \(path)")
        }
        descriptor = Mutex(file)
    }

    deinit { release() }

    func release() {
        descriptor.withLock { descriptor in
            guard let file = descriptor else { return }
            // Closing alone gives it back only when no child that is just being made still has its copy.
            flock(file, LOCK_UN)
            close(file)
            descriptor = nil
        }
    }
}
