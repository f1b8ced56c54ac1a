/// The small words of both languages, a list each, separated by blanks.
enum WordLists {
    /// What stands behind a noun: particles, plural and copula.
    static let koreanParticles = """
        은 는 이 가 을 를 의 에 도 로 와 과 만 랑 들 나 야 요 님 으로 이랑 이나 까지 부터 에서 에게 한테 께서 처럼 보다 마다 조차 마저 밖에 대로 같이 라고 이라고 라도 이라도 라는 이라는
        라서 이라서 라면 이라면 이며 이고 이자 인데 인데요 인지 이다 입니다 이에요 이예요 예요 에요 이네요 이네 이라니 이야 였어요 이랄까 들이 들은 들을 들도 들의 에는 에도 에만 에서는 에서도
        으로는 으로도 로는 로도 까지는 까지도 만은 만이 만큼 이든 든지 하나 치고 뿐 이란 란 적 적인 적이고 적으로 적이다 적인데 님이 님은 용 용으로
        """

    /// What ends a verb or an adjective: a word that has one names no thing.
    static let koreanVerbEndings = """
        다 요 네요 어요 아요 해요 니다 습니다 합니다 됩니다 고 고요 서 해서 아서 어서 면 하면 으면 지만 는데 은데 는데요 은데요 데요 지 지요 죠 네 구나 군요 구요 구만 거든요 거든 니까 으니까
        려고 으려고 도록 듯 듯이 게 하게 한 하는 하고 하지 하다 한다 하네 하니 해 했 할 함 됨 되는 된 될 돼 돼요 되고 되네 되서 돼서 던 든 는 은요 더라 더라고요 더라구요 라구요 세요 으세요
        하세요 까요 을까 ㄹ까 나요 는지 을지 은지 음 기 기가 기는 기도 기에 려는 으려는 면서 으면서 자마자 다가 다고 다는 라니 다니 자 잖아 잖아요 인가 는가 을까요 운 스런 스러운 스럽게 스럽고
        롭고 로운 로움 리다 이는 지는 지도 지가 길래 겠 어도 아도 해도 여도 어야 아야 해야 려면 으려면
        """

    static let koreanStopWords = """
        그 이 저 것 거 게 걸 건 수 때 등 및 또 더 좀 잘 안 못 다 꼭 참 막 왜 뭐 뭔 이거 그거 저거 이게 그게 저게 이건 그건 이것 그것 저것 여기 거기 저기 이런 그런 저런 이렇게 그렇게
        저렇게 어떤 어떻게 무슨 무엇 누가 누구 언제 어디 얼마나 우리 저희 나는 내가 나의 저는 제가 나도 저도 너무 너무너무 정말 정말로 진짜 진짜로 완전 매우 아주 조금 약간 되게 엄청 굉장히 상당히
        꽤 그냥 그저 아마 역시 다시 계속 항상 자주 가끔 아직 아직도 이미 벌써 바로 지금 이제 오늘 어제 내일 나중 나중에 처음 처음에 마지막 마지막에 그리고 그래서 그런데 근데 하지만 그러나 그래도
        그러면 그럼 또는 혹은 따라서 특히 사실 솔직히 일단 우선 결국 때문 때문에 정도 정도로 경우 동안 이후 이전 중에 속에 위해 위한 통해 대해 대한 따라 관련 하나 하나도 둘 한번 한번쯤 두번 번째
        개인적 개인적으로 모두 모든 전부 다른 같은 같이 함께 많이 많은 조금씩 있는 있을 있어 없는 하는 하고 해서 했던 보고 보는 보면 보니 본 봐도 볼 된 되는 되어 이상 이하 같아 할게 들어 받고
        되고 나고 갖고 메고 놀고 해줌 보낸 만에 달라 다름 보여 약해 놀아 다녀 혹시 매일 하루 내내 종일 커서 편이 다녀요 같네 같음 같다 작지 작은 검은 긴 큰 작고 크고 싶네 싶다 주문 구매 사용
        상품 제품 물건 날에 만하 빼고 정말정말 진짜루 데일 끼어 생각 생각보다 느낌 부분 자체 자체가 사람 사람들 분들 이번 저번 다음 지난 요즘 최근 진심 레알 전혀 별로 절대 제발 아무 아무리
        아무것도 그만 그나마 차라리 도대체 대체 오히려 무조건 여러 각각 서로 그대로 새로 혼자 약 총 내 네 제 예 아니 아니오 아뇨 응 음 아 오 와 헐 흠 어 엄 님 분 곳 점 점수 평점 리뷰 후기
        이랑 까지 부터 대로 만큼 뿐 쪽 줄 데 채 김 듯 척 뻔
        """

    /// Things of one syllable that reviews talk about.
    static let koreanShortNouns = """
        맛 향 색 컵 핏 귀 손 옷 책 불 애 발 몸 천 끈 줄 빛 값 물 병 힘 털 잠 약 눈 입 코 목 팔 집 방 문 폼 펜 공 칼 솜 팩 캡
        """

    /// Things whose last syllable looks like a particle or an ending.
    static let koreanWholeNouns = """
        손잡이 고양이 어린이 목걸이 귀걸이 옷걸이 팔걸이 놀이 달팽이 호랑이 지팡이 스테이 아이 종이 강도 온도 습도 용도 속도 각도 농도 정도 지도 난이도 만족도 완성도 할머니 어머니 주머니 바구니 밝기
        크기 향기 연기 인기 전기 용기 무게 두께 고기 딸기 아기 이야기 분위기 사진기 청소기 세탁기 가습기 충전기 이어폰 텀블러 사이 효과 사과 결과 초과 가로 세로 도로 회의 주의 광고 중고 창고 최고
        경고 참고 순서 독서 설명서 보증서 증명서 엽서 화면 측면 정면 표면 전면 후면 라면 가면 노면 디자인 라인 온라인 메인 와인 아이들 하늘 마을 가을 노을 겨울 거울
        """

    static let englishStopWords = """
        the a an and or but nor so yet if then else than that this these those there here where when while who whom
        whose which what why how i me my mine myself we us our ours you your yours he him his she her hers it its
        itself they them their theirs one ones am is are was were be been being do does did doing done have has had
        having can could will would shall should may might must i'm i've i'd i'll you're you've you'll you'd he's
        she's it's we're we've we'll they're they've they'll that's there's what's who's let's isn't aren't wasn't
        weren't don't doesn't didn't haven't hasn't hadn't can't cannot couldn't won't wouldn't shouldn't ain't dont
        didnt doesnt isnt cant wont im ive its not no never none nothing nobody neither without hardly barely of at by
        for with about against between into through during before after above below to from up down in out on off over
        under again further once very really quite rather too also just only even still already ever always often
        sometimes maybe perhaps all any both each few more most other some such own same much many lot lots bit little
        few less least own get gets got getting gotten go goes going went gone come comes came make makes made making
        take takes took taken give gives gave given put puts say says said see sees saw seen know knows knew think
        thinks thought want wants wanted use used using look looks looked seem seems seemed feel feels felt try tries
        tried keep keeps kept let lets tell told ask asked need needs thing things stuff something anything everything
        someone anyone everyone people guy guys man way kind sort piece time times day days week weeks month months
        year years today yesterday now later soon ago since until till because though although however well oh okay
        yes yeah yep nope hey please etc per via two three four five six ten first second last next new old every
        another like liked actually basically literally simply definitely totally completely absolutely extremely
        slightly item order ordered bought buy product review stars star rating name yet almost around back away far
        long whole half
        """
}
