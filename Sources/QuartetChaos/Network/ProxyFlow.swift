import NIOCore

/// One direction of a connection. It reads on when what it has read is handed over, so that a slow receiver slows the sender.
final class ProxyFlow {
    /// Between the part of a message and the reset, which takes away what its receiver has not read.
    private static let pauseBeforeReset = TimeAmount.milliseconds(2)

    /// Settled before anything is read.
    weak var connection: ProxyConnection?
    private let direction: NetworkFault.Direction
    private let source: any Channel
    private let target: any Channel
    private var rewriter: AddressRewriter?
    private var held = ByteBuffer()
    private var hasEnded = false
    /// Something is on its way or waits for its time.
    private var isBusy = false
    private var chunks = 0

    init(
        _ direction: NetworkFault.Direction, from source: any Channel, to target: any Channel,
        rewriter: AddressRewriter?
    ) {
        (self.direction, self.source, self.target, self.rewriter) = (direction, source, target, rewriter)
    }

    func arrived(_ bytes: ByteBuffer) {
        held.writeImmutableBuffer(rewriter?.messages(with: bytes) ?? bytes)
        pump()
    }

    func sourceEnded() {
        hasEnded = true
        if let rest = rewriter?.rest() { held.writeImmutableBuffer(rest) }
        pump()
        connection?.didEnd()
    }

    /// A fault began or ended: what is held is looked at again.
    func restart() {
        chunks = 0
        pump()
    }

    func pump() {
        guard !isBusy, let connection, !connection.isHalfOpen else { return }
        guard held.readableBytes > 0 else {
            if hasEnded {
                // What is held back hides the end too.
                if connection.link.fault?.kind != .blackHole { target.close(promise: nil) }
            } else {
                source.read()
            }
            return
        }
        let count = held.readableBytes
        let step =
            connection.link.fault?.step(direction, bytes: count, chunk: chunks)
            ?? .pass(bytes: count, afterMilliseconds: 0)
        switch step {
        case .hold: break
        case .pass(let bytes, let milliseconds) where milliseconds > 0:
            wait(.milliseconds(Int64(milliseconds))) { self.send(bytes) { self.pump() } }
        case .pass(let bytes, _): send(bytes) { self.pump() }
        case .cut(let bytes):
            send(bytes) { self.wait(Self.pauseBeforeReset) { self.connection?.reset() } }
        }
    }

    private func send(_ count: Int, then next: @escaping () -> Void) {
        isBusy = true
        chunks += 1
        let bytes = held.readSlice(length: min(count, held.readableBytes)) ?? ByteBuffer()
        if held.readableBytes == 0 { held.clear() }
        target.writeAndFlush(bytes).assumeIsolated().whenComplete { result in
            self.isBusy = false
            switch result {
            case .success: next()
            // Nobody takes what is still to come.
            case .failure: self.connection?.isHalfOpen == true ? () : self.source.close(promise: nil)
            }
        }
    }

    private func wait(_ time: TimeAmount, then next: @escaping () -> Void) {
        isBusy = true
        source.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.isBusy = false
            guard self.connection?.isHalfOpen == false else { return }
            next()
        }
    }
}
