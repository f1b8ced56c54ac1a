import NIOCore
import Testing

@testable import QuartetChaos

@Suite struct AddressRewriterTests {
    private static let mongo = ProxiedStore("mongod", ports: [27_017], referral: .replicaSet)
    private static let kafka = ProxiedStore("kafka", ports: [29_092], referral: .brokers)

    /// A message of MongoDB's that names a host, and one of Kafka's.
    private static func message(_ store: ProxiedStore, _ port: UInt16) -> [UInt8] {
        if store.referral == .replicaSet {
            let text = Array("hosts 127.0.0.1:\(port) and 127.0.0.1:\(port) end".utf8)
            return [UInt8(text.count + 4), 0, 0, 0] + text
        }
        let body: [UInt8] = [0, 9] + Array("127.0.0.1".utf8) + [0, 0, UInt8(port >> 8), UInt8(port & 0xff)] + [0x31]
        return [0, 0, 0, UInt8(body.count)] + body
    }

    @Test(arguments: [mongo, kafka])
    func addressesAreReplacedWhereverAMessageIsCut(_ store: ProxiedStore) throws {
        let port = store.ports[0]
        let sent = Self.message(store, port) + Self.message(store, 20_001)
        let expected = Self.message(store, 40_123) + Self.message(store, 20_001)
        for cut in 0...sent.count {
            var rewriter = try #require(store.rewriter([port: 40_123]))
            var passed = rewriter.messages(with: ByteBuffer(bytes: sent[..<cut]))
            passed.writeImmutableBuffer(rewriter.messages(with: ByteBuffer(bytes: sent[cut...])))
            #expect(Array(passed.readableBytesView) == expected)
            #expect(rewriter.rest().readableBytes == 0)
        }
    }

    @Test func whatAServerDidNotEndIsGivenAsItIs() throws {
        var rewriter = try #require(Self.mongo.rewriter([27_017: 40_123]))
        #expect(rewriter.messages(with: ByteBuffer(bytes: [20, 0, 0, 0, 1, 2])).readableBytes == 0)
        #expect(Array(rewriter.rest().readableBytesView) == [20, 0, 0, 0, 1, 2])
    }

    @Test func aStoreThatRefersNobodyIsLeftAlone() {
        #expect(ProxiedStore("redis", ports: [6379]).rewriter([6379: 40_123]) == nil)
    }
}
