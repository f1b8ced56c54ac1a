/// Words for goods, service, food and stories that the VADER lexicon lacks, valued in the same way by this project:
/// `[valence]`, and the words that have it.
enum GoodsValences {
    static let text = goods + "\n" + judgements

    private static let goods = """
        [2.4]
        exceeded exceeds
        [2.0]
        durable sturdy reliable versatile dependable seamless seamlessly effortless effortlessly spotless tasty flavorful \
        mouthwatering succulent
        [1.6]
        comfy cozy roomy compact lightweight portable intuitive ergonomic convenient handy affordable inexpensive solidly \
        rugged sleek stylish spacious snug breathable absorbent juicy savory vivid crisp accurate upgrade reordered
        [1.0]
        quick quickly speedy prompt promptly smooth smoothly quiet quietly precise sufficient plenty lasted lasts fits works \
        softest authentic tender crunchy refreshing waterproof adjustable
        [-1.0]
        slow slower slowly thin tight stiff tiny late expensive pricey loud bulky laggy delays cumbersome salty sticky
        [-1.8]
        flimsy cheaply shoddy wobbly scratched scratches dented bent warped faded fades stained stains frayed peeling peeled \
        rusty rusted scratchy greasy soggy stale bland tasteless lukewarm rubbery mushy leaks leaking leaky squeaky squeaks \
        tinny grainy muffled disconnects disconnecting disconnected froze crashes crashed overheats overheated glitch \
        glitches glitchy buggy malfunction malfunctions malfunctioned overpriced overrated underwhelming mediocre sloppy \
        overcooked undercooked unresponsive incompatible clumsy counterfeit breaks cracked cracks ripped snapped
        [-2.4]
        unusable inoperable inedible unhelpful overcharged ripoff moldy junk garbage trash refund refunded beware
        """

    /// How people judge anything.
    private static let judgements = """
        [2.6]
        sublime exquisite impeccable impeccably exceptional exceptionally spectacular spectacularly phenomenal \
        stellar unforgettable mesmerizing riveting unbeatable unsurpassed peerless topnotch phenomenally superlative \
        outstandingly
        [2.0]
        poignant gripping captivating engrossing enthralling spellbinding uproarious sidesplitting witty inventive \
        imaginative nuanced insightful touching uplifting memorable evocative masterful masterfully deft deftly \
        skillfully skilful polished lavish luscious lush luxurious plush dazzling bewitching beguiling endearing \
        likable loveable charismatic genuine resonant hypnotic nourishing flavourful electrifying rejuvenating \
        incredible extraordinary astonishing ingenious sensational legendary tremendous
        [1.6]
        watchable intriguing humane colorful colourful atmospheric tasteful understated restrained refreshingly \
        wholesome hearty attentive accommodating knowledgeable professional timely immaculate pristine tidy ambience \
        ambiance indispensable invaluable priceless economical appealing credible believable plausible striking \
        unique detailed suitable fitting gifted resourceful potent iconic deserving relevant expressive moving \
        comfier sturdier premium functional practical snappy zippy punchy immersive sumptuous airy slimming timeless \
        balanced leakproof soothes wicks outperforms outlasts
        [1.2]
        sizable beefy supple pliable washable foldable rechargeable cordless zesty tangy creamy buttery crispy \
        fluffy silky velvety fragrant aromatic freshest homemade roomier smoother sharper faster quicker thorough \
        thoroughly consistent consistently reputable knowledgable legit addictive gem keeper ample affecting \
        straightforward accessible lifelike notable padded cushioned insulated rustproof upgraded tastier cheaper \
        softer repurchase hooked
        [-1.2]
        predictable predictably overlong overwrought overdone overblown overstuffed underdeveloped undernourished \
        uneven meandering plodding repetitious derivative formulaic superficial shallow forgettable unremarkable \
        unexceptional middling passable pedestrian unoriginal uninspired unconvincing implausible contrived stilted \
        preachy schematic gimmicky outdated stodgy murky muddled convoluted clunky creaky choppy chilly drab dingy \
        cramped cluttered complicated excessive overboard unnecessary needless irrelevant stereotypical simplistic \
        generic dated crowded melodrama juvenile bleak wary hollow limp chewy rattles rattling sagging saggy crooked \
        misaligned discolored discoloured smudged tore quit returned wobble wobbles creaks creaking pinches chafes \
        chafing snags snagged jams jammed slips sheds shedding pills pilling droops flickers flickering buzzing \
        hisses drains fuzzy pixelated dim oily gritty chalky clumps clumpy flaky flakes brittle jagged lopsided \
        oversized undersized mislabeled mismatched incomplete unfinished finicky fiddly shrank shrunk unravels \
        unraveled unraveling bleeds sticks clogs clogged clog dripping drips soaked inattentive
        [-1.8]
        tedious tediously tiresome wearisome lifeless listless humourless soulless bloodless witless brainless \
        senseless pointless aimless shapeless spineless flavorless flavourless unfunny unengaging unappealing \
        unappetizing unsatisfying unbearable unwatchable unlistenable unreadable unreliable inept amateurish \
        clumsily slapdash halfhearted lackluster lacklustre hackneyed cliched cliche cliches corny cheesy schmaltzy \
        mawkish maudlin pretentious condescending vapid banal incoherent incomprehensible nonsensical preposterous \
        misguided miscast overacted robotic manipulative exploitative crass vulgar cringeworthy interminable \
        monotonous soporific snoozefest yawner trainwreck misfire debacle disservice drivel tripe dreck claptrap \
        hogwash swill sludge bilge putrid filthy grubby dusty mouldy mildew gristly charred burnt oversalted watery \
        gummy mealy curdled spoiled absurd creepy gratuitous gruesome grotesque inexplicable amateur icky tacky \
        haphazard deficient shrill raucous wonky unrealistic unplayable bogus knockoff false impractical unsanitary \
        smelly inaccurate nonexistent overheating unwearable unsuitable inefficient inconsistent tangled punctured \
        corroded melted exploded fried bricked lemon crummy chintzy cheapo hassle nuisance letdown surly dismissive \
        understaffed nauseous bloated diarrhea stomachache illegible unintelligible indigestible overrun infested \
        cockroach roaches maggots hairs reeks
        [-2.2]
        atrocious abysmal abominable deplorable despicable disgraceful hideous hideously repulsive repugnant \
        revolting nauseating vomit rubbish scammed substandard unsafe hazardous underwhelmed
        """
}
