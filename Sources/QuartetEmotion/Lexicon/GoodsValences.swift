/// Words for goods that the VADER lexicon lacks, valued in the same way by this project: `[valence]`, and the words that
/// have it.
enum GoodsValences {
    static let text = """
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
}
