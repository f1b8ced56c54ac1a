import Foundation
import NIOCore

/// One Server-Sent Event.
struct ServerEvent: Sendable {
    let name: String
    let id: String?
    let data: Data
}

/// Cuts a byte stream into Server-Sent Events.
struct ServerEventParser {
    private var buffer = ByteBuffer()
    private var name = "message"
    private var id: String?
    private var data = Data()

    mutating func feed(_ chunk: ByteBuffer) -> [ServerEvent] {
        var chunk = chunk
        buffer.writeBuffer(&chunk)
        var events: [ServerEvent] = []
        while let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            let length = end - buffer.readerIndex
            let line = buffer.readString(length: length) ?? ""
            buffer.moveReaderIndex(forwardBy: 1)
            if let event = take(line) { events.append(event) }
        }
        buffer.discardReadBytes()
        return events
    }

    private mutating func take(_ line: String) -> ServerEvent? {
        guard !line.isEmpty else {
            defer {
                name = "message"
                id = nil
                data = Data()
            }
            return data.isEmpty ? nil : ServerEvent(name: name, id: id, data: data)
        }
        guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return nil }
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        switch line[..<colon] {
        case "event": name = String(value)
        case "id": id = String(value)
        case "data": data.append(contentsOf: value.utf8)
        default: break
        }
        return nil
    }
}
