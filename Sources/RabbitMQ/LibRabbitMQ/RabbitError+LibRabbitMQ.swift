import CRabbitMQ
import Foundation

extension RabbitError {
    /// What the server said as it closed the channel or the connection; nil for any other method.
    init?(closing method: amqp_method_t) {
        guard let decoded = method.decoded else { return nil }
        let code: UInt16
        let text: String
        switch method.id {
        case quartet_amqp_connection_close:
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            (code, text) = (close.reply_code, close.reply_text.text)
        case quartet_amqp_channel_close:
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            (code, text) = (close.reply_code, close.reply_text.text)
        default: return nil
        }
        self.init(replyCode: Int(code), text: text)
    }

    /// AMQP 0-9-1's reply codes.
    init(replyCode: Int, text: String) {
        let said = text.prefix(500).replacing("\n", with: " ")
        switch replyCode {
        case 403: self.init(.accessRefused, "\(said): user, password or rights are wrong", replyCode: replyCode)
        case 404: self.init(.notFound, "\(said): run quartet migrate", replyCode: replyCode)
        case 405: self.init(.resourceLocked, String(said), replyCode: replyCode)
        case 406:
            let advice =
                said.contains("inequivalent") ? ": it was declared otherwise; delete it, or let its owner have it" : ""
            self.init(.preconditionFailed, "\(said)\(advice)", replyCode: replyCode)
        case 320: self.init(.connectionLost, "the server closes connections: \(said)", replyCode: replyCode)
        case 530 where said.contains("vhost"):
            self.init(
                .noVirtualHost, "\(said): make it (rabbitmqctl add_vhost NAME) or name another in the URL",
                replyCode: replyCode)
        default: self.init(.refused, "\(replyCode) \(said)", replyCode: replyCode)
        }
    }

    /// Of a failed call of the library; reads `errno`, so call it in the scope of the call that failed.
    init(status: Int32, _ operation: String, wasCut: Bool = false) {
        if wasCut {
            self.init(.deadlinePassed, "\(operation): the server took nothing in time")
            return
        }
        let text = String(cString: amqp_error_string2(status))
        switch amqp_status_enum(status) {
        case AMQP_STATUS_TIMEOUT: self.init(.deadlinePassed, "\(operation): no answer in time")
        case AMQP_STATUS_BAD_AMQP_DATA, AMQP_STATUS_UNKNOWN_CLASS, AMQP_STATUS_UNKNOWN_METHOD, AMQP_STATUS_WRONG_METHOD,
            AMQP_STATUS_UNEXPECTED_STATE, AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION:
            self.init(.protocolViolation, "\(operation): \(text)")
        case AMQP_STATUS_TABLE_TOO_BIG, AMQP_STATUS_INVALID_PARAMETER: self.init(.invalid, "\(operation): \(text)")
        default: self.init(.connectionLost, "\(operation): \(text)")
        }
    }
}
