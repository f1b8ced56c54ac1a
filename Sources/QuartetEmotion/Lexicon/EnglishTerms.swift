/// The English half of the lexicon, in the form that ``LexiconParser`` reads.
enum EnglishTerms {
    static let text = [joy, sadness, anger, disgust, fear, surprise, workings].joined(separator: "\n")

    private static let joy = """
        [joy 1.0, polarity 1.0]
        love loves loved loving lovely excellent amazing amazingly awesome fantastic wonderful wonderfully perfect
        perfectly perfection brilliant superb outstanding flawless incredible incredibly phenomenal exceptional
        magnificent marvelous terrific stellar delightful delighted delight best favorite favourite masterpiece adore
        adored adorable beautiful beautifully gorgeous stunning thrilled ecstatic overjoyed obsessed happiest greatest
        a_must must_have must_buy must_see highly_recommend highly_recommended strongly_recommend definitely_recommend
        10/10 5/5 five_stars 5_stars top_notch game_changer gem hilarious congrat* yay yayy woohoo hooray blessed
        well_worth worth_every worth_it worth_the> exceeded_my* exceeded_expect* exceeds_expect* above_and_beyond
        couldn't_be_happier can't_be_happier cant_be_happier couldn't_be_better
        [joy 0.9, polarity 0.9]
        great happy happily happier glad joy joyful enjoy* pleased pleasing pleasant pleasantly pleasure thank thanks
        thankful thankfully thx ty grateful gratitude appreciat* excited exciting excitement proud proudly impressed
        impressive admire admirable fun funny funnier funniest laugh* lol> lmao> lmfao rofl haha> hahaha> hahah hehe>
        heh ha> cute cutest sweet sweetest sweetheart cool coolest nice nicely nicest yummy delicious tasty
        tastes_great smells_great smells_amazing smells_good looks_great recommend recommended recommends bravo kudos
        respect genius talented legend legendary epic badass dope cheers bless blessing satisfied satisfying
        satisfaction charming elegant classy stylish handsome attractive lucky fortunately wholesome heartwarming
        uplifting inspiring inspired inspirational celebrate* victory win winner wins winning won
        [joy 0.7, polarity 0.7]
        good goodness fine decent solid solidly sturdy durable comfortable comfy cozy cosy soft softer smooth smoothly
        warm warmth easy easily convenient handy useful helpful helps reliable quality_is_great high_quality
        good_quality great_value good_value bargain affordable reasonable reasonably fast quick quickly prompt
        promptly speedy on_time early works_well works_great works_perfectly works_like fits_well fits_perfectly
        fits_great fit_well like_new well_made well_built well_packed well_done lightweight clear crisp bright fresh
        fragrant aromatic rich creamy hydrating moisturizing moisturising gentle soothing relaxing refreshing calming
        friendly kind kindly polite professional caring generous thoughtful honest trustworthy safe safely secure
        improved improves improvement upgrade effective efficient relief relieved calm peaceful hope hopeful hopefully
        hoping optimistic welcome agree agreed support supportive positive cheerful smile* smiling fan better prefer
        interesting fascinating creative clever smart strong brave passionate beloved miss_this will_buy_again
        buy_again buying_again would_buy order_again will_order repurchase* came_back_for no_complaints no_complaint
        no_regrets no_regret no_issues no_problems no_problem no_issue no_worries can't_go_wrong cant_go_wrong
        hard_to_beat nothing_bad can't_wait> cant_wait cannot_wait looking_forward good_luck luck well_deserved
        great_job good_job nice_job not_bad not_too_bad never_disappoint* not_disappoint* without_any_problem*
        without_any_issue*
        [joy 0.45, polarity 0.4]
        like> liked> likes> likable wow> ok> okay> alright> works worked pretty_good wish> yes> yeah> yep> true>
        exactly> indeed> definitely absolutely> cuddle* snug sleek neat tidy pretty> super> care cares gift gifts
        birthday sharing advice right> correct>
        """

    private static let sadness = """
        [sadness 1.0, polarity -0.7]
        sad sadly sadder saddest sadness saddened unhappy depress* heartbr* heartbroken cry cries cried crying tears
        tearful weep* sob sobbing grief griev* mourn* sorrow* miserable misery lonely loneliness hopeless despair*
        tragic tragedy condolences rip_to miss_you miss_him miss_her hurt hurts hurting pain painful suffer* lost_my
        [sadness 0.8, anger 0.15, polarity -0.9]
        disappoint* letdown let_down let_me_down regret* unfortunate unfortunately underwhelm* unsatisf* dissatisf*
        unimpress* mediocre meh lackluster lacklustre subpar sub-par so-so not_worth isn't_worth wasn't_worth
        not_as_described not_as_pictured not_as_expected not_what_i> not_impressed waste wasted wasting
        waste_of_money> waste_of_time> money_down poor poorly bad badly inferior weak flimsy fragile broke broken
        breaks breaking crack* defect* faulty fault malfunction* dead died dies dying fail* failure stopped_working
        stop_working stopped_charging doesn't_work didn't_work don't_work dont_work doesnt_work didnt_work not_working
        won't_work wont_work not_work won't_turn won't_charge shame ashamed embarrass* awkward pity pathetic sorry
        apolog* guilt* upset* boring bored boredom dull bland tasteless tedious lame uninspired unlucky fell_apart
        falls_apart falling_apart came_apart fell_off came_off falls_off
        [sadness 0.5, polarity -0.6]
        worse cheaply cheap_plastic feels_cheap looks_cheap cheap_quality cheaply_made cheap_material low_quality
        bad_quality poor_quality thin too_thin tiny too_small too_big too_tight too_loose too_short too_long too_large
        too_expensive overpriced pricey expensive uncomfortable itchy stiff scratchy rough heavy bulky slow slowly
        late delay* missing leak* leaky shrank shrink* shrunk faded fades fading stain* tear tore torn ripped ripping
        holes hole loose peeling peeled peels scratched scratches dent dented lag laggy glitch* noisy loud_noise
        static disconnect* drops_out cuts_out cutting_out battery_dies returned returning return_it returned_it
        return_this refund* sent_it_back send_it_back problem problems issue issues trouble difficult hard_to
        complicated confusing_instructions useless worthless pointless unusable lack lacks lacking barely_works
        hardly_works wrong_size wrong_color wrong_colour wrong_item> incomplete unreliable inaccurate misses missed
        lost lose losing loss alone tired exhausted wish_it> expected_more expected_better could_be_better
        could_have_been> overrated overhyped skip_it skip_this avoid oops
        """

    private static let anger = """
        [anger 1.0, polarity -1.0]
        angry angrily anger mad> furious fury rage raging outrage* infuriat* livid enraged pissed piss annoy* irritat*
        frustrat* hate hated hates hating hatred hateful despise* loathe* detest* resent* unacceptable inexcusable
        ridiculous ridiculously absurd outrageous nonsense bullshit bs rubbish scam scams scammed scammer* scammers
        rip_off ripoff ripped_off fraud* fake fakes counterfeit liar* lie lied lies lying false falsely misleading
        mislead* deceptive deceiv* dishonest steal* stole stolen thief thieves cheated cheat robbery rude rudely
        disrespect* arrogant insult* ignored ignorant incompetent unprofessional stupid stupidity idiot* idiotic
        moron* dumb dumbest dumbass fool fools foolish fuck fucks fucked fucking fuckin fucker* wtf ffs goddamn damn
        dammit damned hell shit shitty bitch* bastard* asshole* assholes ass crap crappy sucks suck sucked sucking
        screw screwed shut_up stfu gtfo jerk prick douche* scum trash_company zero_stars 0_stars one_star 1_star
        negative_stars worst_customer terrible_customer never_again never_buy never_order do_not_buy don't_buy
        dont_buy stay_away don't_waste do_not_waste want_my_money my_money_back demand> no_response no_reply
        never_replied never_responded never_arrived never_came never_received refuse* refused blame complain*
        complaint* unfair cruel hostile selfish greedy bully* racist* racism offend* offensive disagree nope> wrong
        how_dare dare enough_of> fed_up sick_of tired_of sick_and_tired disgrace* shameful delusional toxic trolling
        """

    private static let disgust = """
        [disgust 1.0, polarity -1.0]
        disgust* disgusted gross grossed nasty vile filthy filth foul revolting repuls* repugnant hideous ugly ugliest
        yuck yucky ew eww ugh ughh puke* puking vomit* barf nauseat* nausea nauseous sickening rotten rancid mold
        moldy mould mouldy stink stinks stinky stank stench smelly smells_bad smells_awful smells_terrible
        smells_horrible bad_smell chemical_smell weird_smell strange_smell awful_smell horrible_smell strong_smell
        fishy_smell smells_like_chemicals smells_like_plastic reek* dirty unsanitary unhygienic hair_in bug_in bugs
        cockroach* maggot* slimy greasy sticky sludge garbage trash junk obnoxious creepy creep creeps pervert* awful
        awfully horrid appalling atrocious abysmal dreadful worst horrendous cringe cringy cringey
        [disgust 0.5, sadness 0.2, polarity -0.6]
        weird odd_smell bitter burnt burned stale sour artificial rash rashes breakout* broke_me_out broke_out pimple*
        acne oily chemical chemicals unpleasant dislike* disliked unappealing inappropriate
        """

    private static let fear = """
        [fear 1.0, polarity -0.6]
        afraid scared scare scares scary scarier scariest fear fears fearful feared terrif* terrified terrifying
        fright* frightened horrif* horror panic* panicked anxious anxiety nervous* worried worries worry> worrying
        worrisome concern concerned concerning paranoid nightmare* danger dangerous dangerously unsafe hazard* threat*
        threaten* toxic_smell fire_hazard caught_fire catch_fire exploded explode explosion overheat* overheating
        overheats burning_smell electric_shock shocked_me choking choke choked dread alarm* alarming risky spooky
        uneasy creeped_out terror terrorist* freaked freak_out freaked_out poison* trembl* shaking haunted haunting
        [fear 0.6, disgust 0.4, polarity -0.9]
        terrible terribly horrible horribly horrific
        """

    private static let surprise = """
        [surprise 1.0, polarity 0.3]
        woww surprise surprises surprised surprising surprisingly amazed astonish* astound* shocked shocking shock
        stunned speechless unbelievable unbelievably unexpected unexpectedly omg omfg oh_my_god oh_my_gosh oh_my> whoa
        woah holy_cow holy_crap holy_shit holy_moly mind_blown blew_my_mind mind-blowing jaw_dropping jaw_dropped
        didn't_expect did_not_expect didnt_expect wasn't_expecting never_expected not_expecting who_knew>
        couldn't_believe can't_believe cant_believe cannot_believe blown_away out_of_nowhere better_than_expected
        better_than_i_expected better_than_i_thought no_way> plot_twist
        [surprise 0.7, polarity 0.0]
        curious curiosity curiously wonder wondered wondering confused confusing confusion puzzled baffl* bewilder*
        realize realized realizing realise realised realization suddenly strange strangely huh> hmm> idk> insane crazy
        why> what> what's> how's> how_did> how_do> how_does> how_is> how_can> who's> where's> what_is> what_are>
        what_the> anyone_know do_you> is_it> are_you> did_you> is_this> is_that> never_knew had_no_idea no_idea
        i_thought> don't_understand dont_understand don't_know didn't_know i_forgot> interesting_that> explain>
        happened> noticed>
        """

    private static let workings = """
        [negate next 3]
        not never isn't isnt wasn't wasnt aren't arent weren't werent don't dont doesn't doesnt didn't didnt can't
        cant cannot couldn't couldnt won't wont wouldn't wouldnt shouldn't shouldnt haven't havent hasn't hasnt hadn't
        hadnt ain't aint nothing nor
        [negate next 2]
        no without hardly barely scarcely neither zero lack_of far_from anything_but none
        [intensity 1.4]
        very really extremely so soo incredibly_well totally completely highly truly insanely seriously
        fucking_amazing exceptionally extra especially pretty_damn damn_good hella most literally deeply genuinely
        way_too too such super_duper beyond
        [intensity 0.6]
        slightly somewhat a_bit a_little little_bit kinda kind_of sort_of fairly mildly rather partly moderately
        mostly almost a_tad
        [contrast]
        but however yet although_it's except unfortunately_the nevertheless nonetheless
        [ignore]
        not_only not_just not_to_mention no_doubt no_wonder would_like i'd_like looks_like look_like looked_like
        feels_like feel_like felt_like sounds_like sound_like smells_like tastes_like like_a like_this like_that
        like_the like_it's like_i like_you something_like things_like just_like more_like seems_like seem_like like_to
        what_kind all_kinds kinds this_kind that_kind some_kind any_kind right_now right_away right_side fan_of_the
        not_sure best_before early_morning cheap_and the_last pretty_bad pretty_much too_much so_far so_that
        i_don't_care don't_care dont_care don't_mind how_about at_first as_well well_i ass_well
        """
}
