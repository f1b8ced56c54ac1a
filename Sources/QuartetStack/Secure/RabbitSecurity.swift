/// RabbitMQ over TLS alone, with one user, who has rights on Quartet's exchanges and queues.
struct RabbitSecurity: Sendable {
    let secrets: StackSecrets

    /// By name: librabbitmq takes no certificate of an address.
    func url(port: UInt16) -> String {
        "amqps://\(SecureUser.quartet):\(secrets.password("rabbitmq", of: .quartet))@localhost:\(port)"
    }

    /// The file with what its server needs, in Erlang's own terms: the simpler form takes no path beyond ASCII. The user is made
    /// with the server's data.
    func writeSettings(port: UInt16) throws -> String {
        let files = [
            ("cacertfile", secrets.authorityFile), ("certfile", secrets.certificateFile), ("keyfile", secrets.keyFile),
        ].map { "{\($0.0), \(Self.quoted($0.1))}" }.joined(separator: ", ")
        // Through the exchange without a name letters go to a queue by that queue's name.
        let rights = [Self.own, Self.own + #"|amq\.default"#, Self.own].map { "<<\(Self.quoted("^(\($0))$"))>>" }
        let user = SecureUser.quartet
        let text = """
            %% coding: utf-8
            [{rabbit, [
                {tcp_listeners, []}, {ssl_listeners, [{"127.0.0.1", \(port)}]},
                {ssl_options, [\(files), {verify, verify_none}, {versions, ['tlsv1.3', 'tlsv1.2']}]},
                {default_user, <<"\(user)">>}, {default_pass, <<"\(secrets.password("rabbitmq", of: user))">>},
                {default_user_tags, []}, {default_permissions, [\(rights.joined(separator: ", "))]}
            ]}].

            """
        return try secrets.write(text, to: "rabbitmq.config")
    }

    /// The exchanges, and a queue for each that takes events in, with the one of its letters and the one of its tries.
    private static let own = #"domain\.events(\.dlx)?|[a-z0-9_]+\.[a-z0-9_-]+(\.dlq|\.retry)?"#

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
