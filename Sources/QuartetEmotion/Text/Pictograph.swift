/// Emoji and typographic faces, grouped by what people mean with them.
enum Pictograph: UInt8, CaseIterable {
    case laugh, love, approval, celebration, tears, sorrow, anger, fear, disgust, surprise, disapproval, doubt, plain

    var symbol: UInt8 { Symbol.pictographs.lowerBound + rawValue }

    /// The name a lexicon uses for the group, as in `emoji:laugh`.
    var name: String { String(describing: self) }

    /// The group of a scalar beyond ASCII, nil where it is none that is known.
    static func group(of scalar: UInt32) -> Pictograph? {
        // Emoji lie in these two ranges; the lookup behind it is for them alone.
        guard (0x2600...0x27BF).contains(scalar) || (0x1F300...0x1FAFF).contains(scalar) else { return nil }
        return groups[scalar] ?? .plain
    }

    private static let groups: [UInt32: Pictograph] = {
        let members: [Pictograph: String] = [
            .laugh: "😀😃😄😁😆😅🤣😂🙂🙃😉😊😇😋😛😜🤪😝😎🤓😏😌😸😹😺☺🤭",
            .love: "🥰😍🤩😘😗😚😙🤗😻😽❤♥♡💕💖💗💘💙💚💛💜🧡🖤🤍🤎💝💞💟💓💋",
            .approval: "👍👌👏🙌💯✅✔👊💪🆗🤙🙏⭐🌟✨🫶🫰",
            .celebration: "🎉🎊🥳🎁🏆🥇🎈💐🌹🌸🔥",
            .tears: "😭😢🥹😿🥲",
            .sorrow: "😞😔😟😕🙁☹😣😖😫😩🥺😥😓💔😪🤕",
            .anger: "😠😡🤬👿💢😤👺🖕😾",
            .fear: "😨😰😱😧😦👻💀☠🙀",
            .disgust: "🤢🤮😷💩🤧🗑",
            .surprise: "😮😯😲😳🤯😵❗❕‼⁉",
            .disapproval: "👎❌🙅🤦🚫⛔😒🙄😑",
            .doubt: "🤔🤨🧐❓❔🤷😐😶",
        ]
        var table: [UInt32: Pictograph] = [:]
        for (group, text) in members {
            for scalar in text.unicodeScalars { table[scalar.value] = group }
        }
        return table
    }()
}
