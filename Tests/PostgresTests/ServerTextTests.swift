import Testing

@testable import Postgres

@Suite struct ServerTextTests {
    /// `lc_messages` of the server decides which.
    @Test(arguments: ["FATAL", "치명적오류", "DÉTAIL FATAL"]) func aRefusalsStateIsFoundInAnyLanguage(_ severity: String) {
        let text = """
            connection to server at "127.0.0.1", port 5432 failed: \(severity):  28P01: "shop" 사용자의 인증을 실패했습니다
            LOCATION:  auth_failed, auth.c:326
            """
        let (state, message) = ServerText.splitState(text)
        #expect(state == "28P01")
        #expect(
            message == "connection to server at \"127.0.0.1\", port 5432 failed: \(severity):  "
                + "\"shop\" 사용자의 인증을 실패했습니다")
    }

    @Test func whatHasNoStateIsLeftAsItIs() {
        let text = "connection to server at \"h\", port 1 failed: Connection refused\n\tIs the server running?"
        let (state, message) = ServerText.splitState(text)
        #expect(state == nil && message.hasSuffix("Connection refused; Is the server running?"), "\(message)")
    }
}
