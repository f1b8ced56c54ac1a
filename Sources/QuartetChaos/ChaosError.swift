/// Why a storm could not be held.
package struct ChaosError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
