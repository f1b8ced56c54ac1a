import Foundation

/// Arrays of C strings ended by nil.
enum CStringArray {
    /// Runs `body` with the array, which is gone afterwards.
    static func withPointers<Value>(
        to strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
    ) -> Value {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let pointers = copies.map { UnsafePointer($0) } + [nil]
        return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
