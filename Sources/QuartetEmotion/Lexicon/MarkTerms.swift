/// Emoji, faces and the letters that stand for laughing and crying: the same in every language.
enum MarkTerms {
    static let text = """
        [joy 0.3, polarity 0.05]
        ㅋㅋ
        [joy 0.5, polarity 0.5]
        ㅎㅎ ㅎ ^^ ^.^ ^-^ :) :-) :D :-D =) ;) ;-) :3 xD> <3 emoji:laugh
        [joy 0.9, polarity 0.9]
        emoji:love emoji:approval emoji:celebration ㄱㅅ ㄳ ㅊㅊ
        [sadness 0.5, polarity 0.1]
        ㅠㅠ ㅜㅜ ㅠ ㅜ ㅠㅜ ㅜㅠ
        [sadness 0.7, polarity -0.2]
        T.T> TT> emoji:tears
        [sadness 0.8, polarity -0.6]
        :( :-( =( :/ :'( emoji:sorrow
        [anger 0.5, polarity -0.5]
        ㅡㅡ -- -.- ㅡ
        [anger 1.0, polarity -0.9]
        emoji:anger ㅗㅗ ㅗ >:(
        [disgust 0.9, polarity -0.9]
        emoji:disgust
        [disgust 0.4, anger 0.4, polarity -0.8]
        emoji:disapproval ㄴㄴ
        [fear 0.9, polarity -0.3]
        emoji:fear ㄷㄷ ㅎㄷㄷ
        [surprise 0.9, polarity 0.1]
        emoji:surprise ㄴㅇㄱ ㅇㅁㅇ :O ?! !? ㅁㅊ ㅗㅜㅑ
        [surprise 0.45, polarity -0.15]
        ? ?? emoji:doubt
        [joy 0.15, polarity 0.15]
        ! !! ~
        [sadness 0.1, polarity -0.12]
        .. ;; ;
        """
}
