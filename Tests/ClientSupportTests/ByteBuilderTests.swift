import ClientSupport
import Testing

@Suite struct ByteBuilderTests {
    @Test(arguments: [0, 1, 1000])
    func whatIsAppendedIsThereInItsOrder(reserved: Int) {
        var builder = ByteBuilder(reserving: reserved)
        var expected: [UInt8] = []
        for size in 0..<300 {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            bytes.withUnsafeBytes { builder.append($0) }
            builder.append(UInt8(size % 256))
            builder.append(contentsOf: bytes.prefix(3))
            builder.append(2) {
                $0.storeBytes(of: 8, as: UInt8.self)
                ($0 + 1).storeBytes(of: 9, as: UInt8.self)
            }
            expected += bytes + [UInt8(size % 256)] + bytes.prefix(3) + [8, 9]
        }
        #expect(builder.count == expected.count)
        #expect(builder.bytes == expected)
        #expect(builder.withUnsafeBytes { Array($0) } == expected)
        #expect(builder.take() == expected)
        #expect(builder.take() == [])
    }

    @Test func whatIsTakenBackIsWrittenAnew() {
        var builder = ByteBuilder(continuing: [1, 2, 3])
        builder.append(contentsOf: [4, 5, 6, 7])
        builder.store(258, at: 1)
        builder.truncate(to: 6)
        builder.append(9)
        #expect(builder.bytes == [1, 2, 1, 0, 0, 6, 9])
        let copy = builder
        builder.append(10)
        #expect(copy.bytes == [1, 2, 1, 0, 0, 6, 9])
        #expect(builder.count == 8)
    }
}
