import CRabbitMQ

/// Headers as AMQP's field table.
struct FieldTable {
    static let nameBytesMax = 255

    private let headers: [RabbitHeader]
    private var bytes: [UInt8] = []
    private var names: [Range<Int>] = []
    private var texts: [Range<Int>] = []

    init(_ headers: [RabbitHeader]) {
        self.headers = headers
        for header in headers {
            names.append(append(header.name.utf8))
            if case .text(let text) = header.value { texts.append(append(text)) } else { texts.append(0..<0) }
        }
    }

    /// How long it is on the wire, at most.
    static func size(_ headers: [RabbitHeader]) -> Int {
        headers.reduce(4) { sum, header in
            if case .text(let text) = header.value { return sum + 6 + header.name.utf8.count + text.count }
            return sum + 10 + header.name.utf8.count
        }
    }

    /// The table is valid inside `body` only.
    func withTable<Value>(_ body: (amqp_table_t) throws -> Value) rethrows -> Value {
        // An empty array may have no address.
        let bytes = bytes + [0]
        return try bytes.withUnsafeBufferPointer { base in
            var entries = headers.indices.map { index in
                amqp_table_entry_t(
                    key: Self.slice(base, names[index]),
                    value: Self.value(headers[index].value, Self.slice(base, texts[index])))
            }
            let count = Int32(entries.count)
            return try entries.withUnsafeMutableBufferPointer {
                try body(amqp_table_t(num_entries: count, entries: $0.baseAddress))
            }
        }
    }

    private static func slice(_ base: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> amqp_bytes_t {
        let start = base.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + range.lowerBound) }
        return amqp_bytes_t(len: range.count, bytes: start)
    }

    private static func value(_ value: RabbitHeader.Value, _ text: amqp_bytes_t) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        switch value {
        case .text:
            field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
            field.value.bytes = text
        case .integer(let number):
            field.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
            field.value.i64 = number
        case .flag(let flag):
            field.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
            field.value.boolean = flag ? 1 : 0
        case .other: field.kind = UInt8(AMQP_FIELD_KIND_VOID.rawValue)
        }
        return field
    }

    private mutating func append(_ text: some Collection<UInt8>) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: text)
        return start..<bytes.count
    }

    /// The table's top level: what is nested in it is not looked into.
    static func headers(_ table: amqp_table_t) -> [RabbitHeader] {
        guard let entries = table.entries, table.num_entries > 0 else { return [] }
        return UnsafeBufferPointer(start: entries, count: Int(table.num_entries)).map {
            RabbitHeader($0.key.text, value(of: $0.value))
        }
    }

    private static func value(of field: amqp_field_value_t) -> RabbitHeader.Value {
        switch UInt32(field.kind) {
        case AMQP_FIELD_KIND_UTF8.rawValue, AMQP_FIELD_KIND_BYTES.rawValue: .text(field.value.bytes.array)
        case AMQP_FIELD_KIND_BOOLEAN.rawValue: .flag(field.value.boolean != 0)
        case AMQP_FIELD_KIND_I8.rawValue: .integer(Int64(field.value.i8))
        case AMQP_FIELD_KIND_U8.rawValue: .integer(Int64(field.value.u8))
        case AMQP_FIELD_KIND_I16.rawValue: .integer(Int64(field.value.i16))
        case AMQP_FIELD_KIND_U16.rawValue: .integer(Int64(field.value.u16))
        case AMQP_FIELD_KIND_I32.rawValue: .integer(Int64(field.value.i32))
        case AMQP_FIELD_KIND_U32.rawValue: .integer(Int64(field.value.u32))
        case AMQP_FIELD_KIND_I64.rawValue: .integer(field.value.i64)
        default: .other
        }
    }
}

extension amqp_bytes_t {
    var array: [UInt8] {
        guard let bytes, len > 0 else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: len))
    }

    /// What is not UTF-8 in it is replaced.
    var text: String { String(decoding: array, as: UTF8.self) }
}

extension String {
    /// As bytes that are valid inside `body` only.
    func withAMQPBytes<Value>(_ body: (amqp_bytes_t) -> Value) -> Value {
        // An empty array may have no address.
        let bytes = Array(utf8) + [0]
        return bytes.withUnsafeBufferPointer { buffer in
            body(
                amqp_bytes_t(
                    len: buffer.count - 1, bytes: buffer.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) }))
        }
    }
}
