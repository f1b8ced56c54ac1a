import QuartetCore

/// Reviews to measure with: short, Korean and English, a few of each kind.
enum BenchData {
    static let reviewsPerProduct = 20

    static func product(_ number: Int) -> ProductID {
        guard let id = ProductID("bench-\(number)") else { preconditionFailure("a bench product id is valid") }
        return id
    }

    static func reviews(of number: Int) -> [Review] {
        (0..<reviewsPerProduct).map { index in
            Review(
                id: "b\(number)-\(index)", text: sentences[(number * 7 + index) % sentences.count],
                rating: Double((number + index) % 10 + 1), date: "24.01.02")
        }
    }

    private static let sentences = [
        "배송이 정말 빨라서 놀랐어요. 포장도 꼼꼼하고 색상도 사진과 똑같아서 대만족입니다.",
        "소리가 너무 좋아요! 이 가격에 이 정도면 최고입니다 ㅎㅎ 친구에게도 추천했어요.",
        "일주일 만에 고장났습니다. 고객센터는 전화도 안 받고 정말 화가 나네요.",
        "The battery lasts all day and the case feels solid. I love it.",
        "Broke after two days and nobody answers my messages. Very disappointed.",
        "그냥 무난해요. 싸니까 쓰지만 다시 사지는 않을 것 같아요.",
        "냄새가 너무 역해서 바로 버렸어요. 이런 걸 파는 게 말이 되나요?",
        "It arrived a week early, what a surprise! My daughter cannot stop playing with it.",
        "밤에 켜두면 아이가 무서워하지 않고 잘 자요. 불빛이 은은해서 좋습니다.",
        "Not as bright as I hoped, but the timer works and it looks cute on the shelf.",
        "사이즈가 생각보다 작아서 슬펐어요 ㅠㅠ 교환하려니 배송비가 더 나오네요.",
        "원두 향이 진하고 고소해서 아침마다 기분이 좋아집니다. 재구매 의사 있어요.",
    ]
}
