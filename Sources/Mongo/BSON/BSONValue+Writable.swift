import ClientSupport

extension BSONValue: BSONWritable {
    package var bsonType: BSONType {
        switch self {
        case .double: .double
        case .string: .string
        case .document: .document
        case .array: .array
        case .binary, .uuid: .binary
        case .objectID: .objectID
        case .bool: .bool
        case .date: .date
        case .null: .null
        case .regex: .regex
        case .int32: .int32
        case .int64: .int64
        case .timestamp: .timestamp
        case .decimal128: .decimal128
        case .javascript(_, let scope): scope == nil ? .javascript : .javascriptWithScope
        case .symbol: .symbol
        case .dbPointer: .dbPointer
        case .undefined: .undefined
        case .minKey: .minKey
        case .maxKey: .maxKey
        }
    }

    package func writeBSON(to writer: inout BSONWriter) {
        switch self {
        case .double(let value): value.writeBSON(to: &writer)
        case .string(let value), .symbol(let value), .javascript(let value, nil): value.writeBSON(to: &writer)
        case .document(let value): value.writeBSON(to: &writer)
        case .array(let value): value.writeBSON(to: &writer)
        case .binary(let value): value.writeBSON(to: &writer)
        case .uuid(let value): value.writeBSON(to: &writer)
        case .objectID(let value): value.writeBSON(to: &writer)
        case .bool(let value): value.writeBSON(to: &writer)
        case .date(let milliseconds): milliseconds.writeBSON(to: &writer)
        case .int32(let value): value.writeBSON(to: &writer)
        case .int64(let value): value.writeBSON(to: &writer)
        case .timestamp(let value): value.writeBSON(to: &writer)
        case .decimal128(let value): value.writeBSON(to: &writer)
        case .null, .undefined, .minKey, .maxKey: break
        case .regex(let pattern, let options):
            writer.appendCString(pattern)
            writer.appendCString(options)
        case .javascript(let code, .some(let scope)):
            let mark = writer.open()
            code.writeBSON(to: &writer)
            scope.writeBSON(to: &writer)
            writer.fillIn(mark)
        case .dbPointer(let namespace, let id):
            namespace.writeBSON(to: &writer)
            id.writeBSON(to: &writer)
        }
    }
}

extension BSONWriter {
    /// The length of what began at `mark`, without a terminating zero.
    fileprivate mutating func fillIn(_ mark: Int) {
        bytes.store(Int32(bytes.count - mark), at: mark)
    }
}
