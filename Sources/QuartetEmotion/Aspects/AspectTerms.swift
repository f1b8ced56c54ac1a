/// What customers speak of, in the form that ``AspectLexicon`` reads: the name of a thing and how else it is called.
enum AspectTerms {
    static let text = [korean, english, EnglishAspectTerms.things].joined(separator: "\n")

    private static let korean = """
        [price]
        가격: 가격 값 금액 가성비 가심비 가격대
        할인: 할인 세일 쿠폰 적립금
        배송비: 배송비 택배비
        설치비 수리비
        [delivery]
        배송: 배송 무료배송 배달 택배 배송일 배송기간 총알배송 로켓배송 새벽배송 출고 발송
        포장: 포장 포장상태 박스 완충재 뽁뽁이 패키지
        구성품: 구성품 부속품 부품
        기사: 배송기사 택배기사 기사님 배송_기사
        [quality]
        품질: 품질 퀄리티 퀄 질이$>질 완성도
        내구성: 내구성
        마감: 마감 마감처리 박음질 바느질 실밥
        재질: 재질 소재 원단 옷감 질감 촉감 감촉 가죽 천이$ 천은$ 천도$
        신축성: 신축성 탄력
        보풀 먼지 정전기 통기성 코팅 칼날 종이 인쇄 잉크 심지 국물 고기 양념 건더기 육질 과즙 당도
        맛: 맛이$ 맛은$ 맛도$ 맛$ 식감 풍미 뒷맛 단맛 신맛 간이$
        향: 향이$ 향은$ 향도$ 향$ 향기 냄새
        음질: 음질 소리 사운드 저음 고음 음색
        화질: 화질 해상도 선명도
        화면: 화면 액정 디스플레이
        배터리: 배터리 밧데리 사용시간
        성능: 성능 스펙
        보온: 보온 보온력
        속도 흡입력 출력 화력 풍량 바람 보냉 방수 흡수력 세정력 접착력 필기감
        소음: 소음 진동
        발열: 발열
        신선도: 신선도 유통기한
        보습: 보습 보습력
        효과 커버력 지속력 밀착력 발림성 발색 흡수
        쿠션감: 쿠션감 쿠션 쿠셔닝 푹신함
        통화품질: 통화품질 통화
        연결: 연결 블루투스 페어링
        밝기: 밝기 불빛 조명
        내용 스토리 번역 문장 그림 삽화 거품 그래픽
        케이스 커버 스탠드 프레임 시트 퍼프 밑창 깔창 안감 스프링 등받이 팔걸이 모서리 알갱이 토크 화력 용기 물통 호스 본체
        속도: 로딩 로딩속도 반응속도
        카메라 렌즈 마이크 인식 센서 온도 습도 수압 절삭력 기능
        [design]
        디자인: 디자인 생김새 외관 모양 외형 스타일 비주얼 겉모습
        색상: 색상 색깔 색감 색이$ 색은$ 색도$ 색$ 컬러 무늬 패턴 프린팅
        핏: 핏이$ 핏은$ 핏도$ 핏$ 실루엣 라인이$
        [size]
        사이즈: 사이즈 싸이즈 크기 치수 품이$ 정사이즈 둘레
        길이: 길이 기장 총장
        발볼 폭이$ 소매 허리 굽이$ 글씨 글자
        무게: 무게 중량
        두께: 두께 두께감
        용량: 용량 수납 수납공간 양이$ 양은$ 양도$ 양$
        높이: 높이
        [usability]
        사용법: 사용법 조작 조작법
        설명서: 설명서 사용설명서 매뉴얼 안내문
        앱: 앱이$ 앱은$ 앱도$ 앱$ 어플 애플리케이션 소프트웨어 펌웨어
        연동: 연동 동기화
        조립: 조립 설치
        착용감: 착용감 착화감 그립감 사용감 승차감
        충전: 충전 충전속도
        충전기: 충전기 어댑터
        세탁: 세탁 빨래 드라이
        세척: 세척 청소 설거지 관리
        끈: 끈이$ 끈은$ 끈$ 스트랩
        키감: 타건감
        핸들링 버튼 손잡이 지퍼 뚜껑 단추 스위치 키감 터치감 단자 필터 바퀴 리모컨
        안장 의자 받침 브러쉬 펌프 노즐 서랍 경첩 전원 케이블
        휴대성: 휴대성 휴대$ 휴대하 휴대가$ 휴대도$ 휴대용$ 휴대는$
        [service]
        고객센터: 고객센터 상담 상담원 문의 응대 고객응대 서비스 cs$ a/s$ 답변
        직원: 직원 사장님 점원
        판매자 교환 반품 환불
        사은품: 사은품 서비스로
        """

    private static let english = """
        [price]
        price: price prices pricing cost costs priced value
        discount: discount sale coupon half_price
        shipping cost: shipping_cost shipping_costs shipping_fee delivery_fee
        [delivery]
        delivery: delivery shipping shipment arrival courier dispatch
        packaging: packaging package packing box wrapping bubble_wrap
        parts: parts pieces screws screw components accessories
        driver: driver
        [quality]
        quality: quality craftsmanship workmanship build_quality build construction
        durability: durability
        material: material materials fabric cloth cotton plastic wood
        texture: texture textures
        rubber denim foam lining padding lather dust
        sole: sole soles
        waterproofing: waterproofing water_resistance
        leather coating paint paper print ink blade blades edges glass metal steel insulation
        finish: finish
        stitching: stitching seam seams stitches
        taste: taste tastes tasted flavors flavor flavour aftertaste
        smell: smell smells smelled scent fragrance odor odour aroma
        sound: sound sounds speakers speaker audio bass treble sound_quality
        picture: picture image resolution picture_quality
        screen: screen display
        battery: battery battery_life batteries
        speed suction power motor engine processor memory graphics autofocus fan
        performance: performance
        noise: noise
        freshness: freshness
        cushion: cushion cushioning cushions padding
        food: food dish meal dishes
        meat fish rice sauce bread crust fruit vegetables coffee tea dessert broth
        warmth: warmth
        grip: grip traction
        heat: heat overheating
        connection: connection bluetooth pairing wifi signal reception
        brightness: brightness light backlight
        coverage: coverage pigment pigmentation
        story: story plot
        writing: writing prose
        characters translation pages
        mic: mic microphone call_quality
        camera: camera zoom
        lens: lens lenses
        picture quality: photos
        [design]
        artwork: artwork illustrations
        design: design look appearance style looks shape
        color: color colour colors colours
        pattern: pattern patterns
        fit: fit cut
        [size]
        size: size sizes sizing dimensions
        length: length
        width: width
        sleeves: sleeves sleeve
        waist: waist waistband
        weight: weight
        thickness: thickness
        capacity: capacity storage space room
        portion: portion portions servings serving
        pockets: pockets pocket
        [usability]
        instructions: instructions manual directions user_guide
        app: app apps software
        firmware: firmware
        interface: interface menu menus
        rules: rules rulebook
        setup: setup set_up installation assembly install
        comfort: comfort arch_support back_support ankle_support lumbar_support neck_support
        charging: charging
        charger: charger chargers adapter
        cleaning: cleaning washing maintenance clean_up cleanup
        syncing: syncing sync
        handle: handle handles
        zipper: zipper zippers zip
        lid: lid lids
        button: button buttons
        strap: strap straps band
        seat: seat seats
        pump: pump nozzle
        drawers: drawers drawer
        keyboard: keyboard keys
        cable: cable cord
        hinge switch knob remote trackpad touchpad mouse wheels
        portability: portability
        [service]
        customer service: customer_service customer_support service support support_team representative tech_support customer_care
        staff: staff waiter waitress employees
        seller: seller vendor
        return: return returns return_policy
        refund exchange replacement
        warranty: warranty
        """

    /// Words that judge whatever is named beside them, and say nothing of feelings.
    static let plain = """
        [+] : 도톰 두툼 쫀쫀 확실 풍성 진하 진해 선명 매끄러 매끄럽 깔끔 은은 푸짐 오래가 오래_가 넓어 넓고 넓은 정확 세밀 꼼꼼 쉬웠 쉬워 쉽네 \
        끝내주 끝내줘 끝내줍 적당 딱이 딱입 잘_나 잘_먹 큼직 알찬 알차 \
        탱탱 아삭 달아요$ 달고$ 반짝 든든 순해 순하 경쾌 세고$ 세요$ 잘_돼 잘_되 잘_됩 잘_나와 잘_나옵 잘_붙
        [-] : 딱딱 칙칙 미끄러 미끄럽 아파 아프 뻑뻑 무뎌 질기 질겨 느슨 이상해 이상하 풀려 풀리 끊겨 끊깁 새요$ 새서$ 일어나 흘러내 비쳐 비치 휘어 \
        삐걱 꺼졌 뭉개 흐려 흐리 날카로 거슬 흔들 낯설 애매 좁아 좁고 좁은 짧아 짧고 짧은 길어 길고$ 오작동 먹통 느려 느립 느리 늦어 늦었 걸려요 걸렸 \
        빠져요 빠집 빠짐 나가서 변색 긁혀 긁힌 찌그러 심해 심하 심합 심한 벌어 안_돼 안_되 안_됩 못_쓰 모자라 부족 독해 독하 짜네 미지근 \
        건조하 건조해 뭉쳐 뭉치 엉켜 까져 누래 누렇 늘어나 늘어져 늘어지 늘어났 지워져 지워지 지워졌 던지 던져 날려요 날리네 날립 달라요 다르네 \
        다릅니 없느니만 만도_못 부실 엉망 뚝뚝 뒤집혀 휘청
        [+] : crisp vivid juicy smooth smoothly accurate evenly absorbent stretchy fresh sharp clear thick breathable generous warm rich \
        bright precise instantly painless breeze stays_in holds_well like_a_dream like_a_charm no_effort with_ease plenty lifesaver silky stunning silent \
        well_padded well_organised well_organized lathers_well
        [-] : slippery wobbly wobbles wobble squeaks squeaky leaks leak leaking leaked jammed jams sags sagging lag laggy lags blurry muddy mushy tinny \
        narrow crashes crash crashing drops stains rusted rusty scratched scratches chipped crooked missing wrong loose stiff dull inaccurate \
        unevenly unresponsive sticky greasy clumsy buggy bugs freezes overheats warped bent dented sheds pills stale soggy hidden unclear \
        tricky odd weird shattered torn unusable useless short squeak rattles rattle rattling clumps flakes smudges tangles tangled spills shrank shrinks \
        bend bends wore_out wears_out worn_out wore_through fell_off falls_off comes_off came_off came_loose comes_loose bubbled gets_stuck got_stuck \
        get_stuck dim watery unbearable smudged smeared discolored thinner scorching_hot sagged dry_out dried_out barely_noticeable
        """

    /// Words that judge and imply what they judge: the thing's name and its kind, then the words, good and bad.
    static let implied = """
        [price -] 가격: 비싸 비싼 비쌈 비쌉 비쌌
        [price +] 가격: 저렴 싸고$ 싸요$ 싸게 싼데$ 쌉니다$ 합리적 혜자
        [delivery -] 배송: 늦게_왔 늦게_도착 늦게_와 안_와 오배송 잘못_왔 잘못_보 일주일_만에_왔 일주일_만에_도착 열흘_만에_왔 열흘_만에_도착 \
        보름_만에_왔 한참_만에_왔 다른_상품이_왔 다른_제품이_왔 다른_게_왔 다른_색이_왔
        [delivery -] 구성품: 누락
        [delivery +] 배송: 다음날_바로_받 다음날_받 바로_받 빨리_받 금방_받 이틀만에_받 하루만에_받 다음날_바로_왔 빨리_왔 빨리_도착 빨리_와 금방_왔 하루만에 바로_왔 다음날_왔 다음날_도착 이틀_만에_왔 \
        이틀_만에_도착 당일_도착 다음_날_왔 다음_날_도착
        [quality -] 내구성: 고장 망가 부러 깨졌 깨져 찢어 터졌 부서 금이_가 벗겨 헐거워 갈라져 갈라졌 떨어졌 떨어져
        [quality +] 내구성: 튼튼 견고 짱짱 탄탄
        [quality -] 품질: 조잡 허접 싸구려 불량 싼티 물이_새 물이_샘
        [quality +] 품질: 고급
        [quality +] 맛: 맛있 맛나 고소 맛잇
        [quality -] 맛: 맛없 싱거 밍밍 짜요$ 짜고$ 너무_달 느끼해 느끼하
        [quality -] 향: 비린 역한 악취
        [quality -] 소음: 시끄러 시끄럽 소리가_크 소리가_커 소리가_너무_크 소리가_너무_커 소리도_크 소리도_커 소리_너무_커
        [quality -] 향: 냄새가_나 냄새_나 냄새가_좀_나 냄새는_좀_나 냄새는_좀_납 냄새도_나 냄새도_좀_나 냄새나 냄새가_납 냄새가_좀_납
        [usability -] 착용감: 귀가_아 귀가_너무_아 목이_아 눈이_아 손목이_아 발이_아 어깨가_아
        [usability +] 착용감: 목이_편 귀가_편 발이_편 손목이_편 허리가_편
        [quality +] 소음: 조용
        [quality +] 신선도: 신선 싱싱
        [quality -] 신선도: 상했 상해 시들 곰팡이 썩 물러 물렀
        [quality +] 보온: 따뜻 따듯
        [quality +] 촉감: 부드러 부드럽 보들보들 포근 푹신 폭신 촉촉
        [quality -] 촉감: 까끌 따가 거칠 뻣뻣 끈적
        [quality -] 배터리: 금방_닳 빨리_닳 방전
        [quality -] 발열: 뜨거워져 뜨거워지
        [quality -] 색상: 물빠짐 이염 물이_빠
        [design +] 디자인: 예ㅃ 이ㅃ 이뻐 예뻐 귀여 귀엽 세련 고급스러 고급스럽 고급져 멋지 멋있 멋져
        [design -] 디자인: 촌스러 촌스럽 못생 투박
        [size -] 사이즈: 작아 작네 작고 작습 작았 작은 작게 크네 커요$ 크고$ 커서$ 컸어 큽니다$ 끼어 꽉_끼 헐렁
        [size +] 사이즈: 딱_맞 잘_맞 딱맞 잘맞 넉넉
        [size -] 무게: 무거 무겁
        [size +] 무게: 가벼 가볍
        [size -] 두께: 얇아 얇은 얇고 얇네 얇습 두꺼 두껍
        [usability +] 사용성: 편하 편해 편리 간편 편안 간단 쉬워 쉽고$ 쉬운
        [quality +] 밝기: 밝아 밝고 밝네 밝습
        [quality -] 밝기: 어두
        [quality +] 맛: 달콤 새콤 쫄깃 바삭
        [usability -] 사용성: 불편 어려워 어렵 복잡 번거로 번거롭
        [service +] 서비스: 친절
        [service +] 고객센터: 바로_답변 답변이_빠 답변도_빠
        [service -] 서비스: 불친절 연락이_안 전화도_안 전화를_안
        [price -] price: expensive overpriced pricey pricy costly
        [price +] price: cheap affordable inexpensive bargain worth_the_money worth_every_penny good_deal great_deal reasonably_priced
        [price -] price: waste_of_money not_worth
        [delivery -] delivery: arrived_late came_late late never_arrived never_came took_forever took_ages took_weeks took_too_long \
        days_to_get_here weeks_to_get_here days_to_arrive weeks_to_arrive weeks_late days_late wrong_item wrong_size wrong_color \
        wrong_one still_waiting
        [price +] discount: on_sale half_price half_off
        [delivery +] delivery: arrived_early arrived_quickly came_quickly arrived_fast came_fast arrived_on_time on_time \
        arrived_quick came_quick next_day ahead_of_schedule free_shipping free_delivery
        [delivery -] packaging: arrived_damaged came_damaged arrived_broken
        [quality -] durability: broke broken breaks fell_apart falls_apart cracked cracks tore ripped stopped_working snapped flimsy \
        died peeled peeling frayed fragile defective
        [quality +] durability: durable sturdy solid well_made lasts_long holds_up well_built robust
        [quality -] quality: cheaply_made poorly_made shoddy cheap_looking looks_cheap look_cheap feels_cheap feel_cheap poor_quality \
        low_quality bad_quality
        [quality +] waterproofing: kept_us_dry kept_me_dry keeps_us_dry keeps_me_dry stays_dry stayed_dry kept_everything_dry
        [quality +] quality: feels_premium looks_premium high_quality good_quality great_quality top_quality
        [quality +] taste: delicious tasty yummy
        [quality -] taste: bland tasteless bitter stale salty too_sweet
        [quality -] smell: stinks smelly
        [quality -] noise: noisy loud
        [quality +] noise: quiet silent
        [quality +] material: soft softer cozy
        [quality -] material: scratchy itchy stiff
        [quality -] color: faded fades
        [design +] design: beautiful pretty stylish elegant gorgeous sleek cute attractive classy
        [design -] design: ugly hideous tacky bulky_looking
        [size -] size: too_small too_big too_large too_short too_long too_tight too_loose runs_small runs_large tiny small oversized \
        huge
        [size +] size: fits_perfectly fits_well fits_great true_to_size compact roomy spacious
        [size -] weight: heavy bulky
        [size +] weight: how_light feels_light
        [size +] weight: lightweight is_light so_light very_light super_light and_light light_enough
        [size -] size: does_not_fit doesn't_fit didn't_fit did_not_fit do_not_fit don't_fit
        [size -] thickness: thin
        [usability +] ease of use: easy_to_use easy intuitive convenient user_friendly simple_to handy a_breeze
        [usability -] ease of use: difficult hard_to complicated confusing inconvenient cumbersome awkward
        [usability +] comfort: comfortable comfy comfiest
        [usability -] comfort: uncomfortable
        [usability -] connection: disconnects disconnecting
        [quality +] performance: fast powerful
        [quality -] performance: slow sluggish weak
        [usability +] cleaning: easy_to_clean easy_to_wash cleans_easily dishwasher_safe
        [usability -] cleaning: hard_to_clean difficult_to_clean hard_to_wash pain_to_clean pain_to_wash
        [usability +] setup: easy_to_assemble easy_to_install easy_to_set_up easy_to_put_together
        [usability -] setup: hard_to_assemble hard_to_install hard_to_set_up difficult_to_assemble difficult_to_install
        [quality -] heat: overheats gets_hot too_hot
        [quality +] noise: runs_quietly quietly
        [service -] customer service: no_response never_replied never_responded unresponsive rude
        [service +] customer service: friendly responsive
        """
}
