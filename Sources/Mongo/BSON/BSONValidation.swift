extension BSONDocument {
    /// Checks every element, nested ones too.
    package func validate() throws(BSONError) {
        try validate(depth: 1)
    }

    private func validate(depth: Int) throws(BSONError) {
        guard depth <= Self.depthMax else { throw BSONError(.tooDeep) }
        var reader = BSONReader(self)
        while try reader.next() {
            guard reader.hasValidKey else { throw BSONError(.invalidUTF8) }
            do {
                try reader.validateValue()
                if let nested = try reader.nestedToValidate() { try nested.validate(depth: depth + 1) }
            } catch {
                let path = error.key.isEmpty || error.key == reader.key ? reader.key : "\(reader.key).\(error.key)"
                throw BSONError(error.code, key: path)
            }
        }
        guard reader.position == end - 1 else { throw BSONError(.malformed) }
    }
}

extension BSONReader {
    fileprivate var hasValidKey: Bool {
        String(validating: storage[keyStart..<keyEnd], as: UTF8.self) != nil
    }

    /// What the lengths alone don't tell.
    fileprivate func validateValue() throws(BSONError) {
        switch type {
        case .string, .javascript, .symbol:
            try requireUTF8((valueStart + 4)..<(valueEnd - 1))
        case .bool where storage[valueStart] > 1:
            throw BSONError(.malformed)
        case .regex:
            try requireUTF8(valueStart..<(valueEnd - 1))
        case .dbPointer:
            try requireUTF8((valueStart + 4)..<(valueEnd - 13))
        default:
            break
        }
    }

    fileprivate func nestedToValidate() throws(BSONError) -> BSONDocument? {
        switch type {
        case .document, .array:
            let document = try view()
            guard document.end == valueEnd else { throw BSONError(.malformed) }
            return document
        case .javascriptWithScope:
            let (code, scope) = try scopedCode()
            try requireUTF8(code)
            guard scope.end == valueEnd else { throw BSONError(.malformed) }
            return scope
        default:
            return nil
        }
    }

    private func requireUTF8(_ range: Range<Int>) throws(BSONError) {
        guard String(validating: storage[range], as: UTF8.self) != nil else { throw BSONError(.invalidUTF8) }
    }
}
