import CRDKafka

/// What stands behind a sign-in that was refused although the password is right.
///
/// librdkafka before 2.6.1 sends its nonce twice in SCRAM's last message. Brokers check that since Kafka 3.8.1, and answer as
/// they do to a wrong password.
///
/// Source: confluentinc/librdkafka, pull request 4895; CVE-2024-56128.
enum SignInAdvice {
    private static let mendedIn: Int32 = 0x0206_01ff

    static func isScramBroken(library: Int32 = rd_kafka_version()) -> Bool { library < mendedIn }

    /// `reason`, and advice where SCRAM can't work with this library.
    static func completing(
        _ reason: String, _ code: Int32, library: Int32 = rd_kafka_version(),
        name: String = String(cString: rd_kafka_version_str())
    ) -> String {
        guard code == RD_KAFKA_RESP_ERR__AUTHENTICATION.rawValue, reason.contains("SCRAM"),
            isScramBroken(library: library)
        else { return reason }
        return reason + "; librdkafka \(name) can't sign in by SCRAM to Kafka 3.8.1 or later, whatever the password: "
            + "take PLAIN over TLS, a client certificate, a token, or librdkafka 2.6.1 or later"
    }
}
