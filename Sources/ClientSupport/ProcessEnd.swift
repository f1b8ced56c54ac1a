import Foundation

/// The end of a process whose C libraries may still have threads.
///
/// An ordinary `exit` has OpenSSL, libmongoc and others take down what those threads use: a thread that a client left to
/// end in the background, or one that still resolves a name, then crashes the process at its very end.
package enum ProcessEnd {
    /// Runs `handler` when the process ends, by `now` or by an ordinary `exit`; the last one given runs first.
    package static func onEnd(_ handler: @escaping @convention(c) () -> Void) {
        atexit(handler)
        at_quick_exit(handler)
    }

    /// Ends the process with `status`, once all output is written and the handlers ran.
    package static func now(_ status: Int32) -> Never {
        fflush(nil)
        quick_exit(status)
    }
}
