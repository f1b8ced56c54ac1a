import ClientSupport
import Foundation
import QuartetCore

/// Single requests, far apart: what one caller waits for.
///
/// The caller is a socket whose calls block, on a thread of its own: on so quiet a machine a client with more to it would
/// be much of what is measured.
actor LightLoad {
    private nonisolated let executor = BlockingExecutor(label: "light load")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let key: String
    private let requestsPerSecond: Int
    private let connection: BlockingHTTP

    init(port: Int, key: String, requestsPerSecond: Int) throws {
        self.key = key
        self.requestsPerSecond = requestsPerSecond
        connection = try BlockingHTTP(port: port)
    }

    /// Submits `count` requests at an even pace and follows each one's event stream to its end.
    func run(count: Int) async throws -> Latencies {
        let pace = Pace(perSecond: requestsPerSecond)
        var latencies = Latencies()
        for number in 0..<count {
            try await pace.wait(for: number)
            latencies.add(try analyse(BenchData.product(number % 50).text))
        }
        return latencies
    }

    private func analyse(_ product: String) throws -> Duration {
        let started = ContinuousClock.now
        let body = #"{"product_id":"\#(product)"}"#
        try connection.send(
            head("POST /v1/analyses") + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                + body)
        let answer = try connection.receive { $0.last == UInt8(ascii: "}") }
        guard answer.hasPrefix("HTTP/1.1 202"), let id = Self.id(in: answer) else {
            throw BenchError("a submit was answered with \(answer)")
        }
        try connection.send(head("GET /v1/analyses/\(id)/events") + "\r\n")
        // The end is an event of its own; the empty chunk behind it ends the stream.
        var latency: Duration?
        let events = try connection.receive { bytes in
            if latency == nil, bytes.contains("event: end", among: 512) { latency = started.duration(to: .now) }
            return bytes.suffix(7).elementsEqual("\r\n0\r\n\r\n".utf8)
        }
        guard let latency else { throw BenchError("the event stream of \(id) ended early: \(events.suffix(200))") }
        return latency
    }

    private static func id(in answer: String) -> Substring? {
        answer.range(of: #""id":""#).map { answer[$0.upperBound...].prefix(36) }
    }

    private func head(_ line: String) -> String {
        "\(line) HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer \(key)\r\n"
    }
}

/// An even pace from now on.
struct Pace: Sendable {
    private let start = ContinuousClock.now
    private let interval: Duration

    init(perSecond: Int) {
        interval = .seconds(1) / perSecond
    }

    func wait(for number: Int) async throws {
        try await ContinuousClock().sleep(until: start.advanced(by: interval * number))
    }
}

/// A connection whose calls block the thread.
final class BlockingHTTP: Sendable {
    private static let timeoutSeconds = 30

    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) == 0 }
        }
        guard isConnected else { throw BenchError("no connection to port \(port): \(Self.reason)") }
        var timeout = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
    }

    func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw BenchError("a request could not be sent: \(Self.reason)") }
            rest = rest.dropFirst(count)
        }
    }

    /// What arrives until it is whole.
    func receive(until isWhole: ([UInt8]) -> Bool) throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else {
                throw BenchError("no whole answer came: \(count == 0 ? "the server closed" : Self.reason)")
            }
            bytes += buffer[..<count]
            if isWhole(bytes) { return String(decoding: bytes, as: UTF8.self) }
        }
    }

    private static var reason: String { String(cString: strerror(errno)) }
}

extension [UInt8] {
    /// Whether `text` is among the last `count` bytes.
    fileprivate func contains(_ text: String, among count: Int) -> Bool {
        let (tail, wanted) = (suffix(count), Array(text.utf8))
        guard tail.count >= wanted.count else { return false }
        return (tail.startIndex...tail.endIndex - wanted.count).contains { tail[$0...].starts(with: wanted) }
    }
}
