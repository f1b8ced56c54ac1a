/// More of what English customers speak of: parts and traits of goods of many kinds, and verbs that say what they judge.
/// In the form that ``AspectLexicon`` reads.
enum EnglishAspectTerms {
    static let things = """
        [price]
        fees: fees fee surcharge
        price: price_tag price_point
        [delivery]
        packaging: parcel envelope carton packed shrink_wrap
        parts: bolts bolt nuts hardware fittings attachments
        tracking: tracking_number
        [quality]
        torque traction stability balance consistency absorption formula ingredients moisture hydration lasting_power staying_power
        bristles chain gears brakes suspension strings tone tuning pegs poles stakes legs
        frame: frame frames
        case: case cases casing shell
        cover: cover covers
        seal: seal seals gasket
        temperature: temperature temps thermostat
        pressure: pressure water_pressure
        spray mist steam flame burner filter filters
        sensor: sensor sensors
        accuracy: accuracy readings precision
        range: range wifi_range
        volume: volume
        lag: latency
        video: video footage
        seasoning spices sweetness beans roast noodles fries chicken steak salad soup pizza cheese eggs beef pork shrimp burger patty bun \
        drinks cocktails beer wine
        ending pacing dialogue binding gameplay controls levels soundtrack acting
        insole: insole insoles
        laces heel toe elastic velcro
        hood collar cuffs hem mesh wool linen silk nylon polyester fleece
        mattress: mattress
        shade: shade shades
        wand chuck trigger hose
        needle: needle needles
        brush: brush brushes
        bit: bit bits
        tires: tires tyres tire
        warranty: guarantee
        lights: lights bulbs leds bulb
        [design]
        logo engraving embroidery neckline silhouette
        decor: decor ambience ambiance atmosphere
        [size]
        height depth chest bust hips thighs toe_box legroom calf crotch
        compartments: compartments compartment
        [usability]
        latch clasp buckle mount stand kickstand headrest dial navigation touchscreen layout website
        magnet: magnet magnets
        clip: clip clips
        hook: hook hooks
        armrest: armrest armrests
        controls: controls
        harness canopy basket tray
        updates: updates update
        assembly: putting_it_together putting_together
        [service]
        technician installer agent rep manager receptionist
        staff: server servers waiters waitresses bartender host hostess crew
        wait: wait wait_time
        """

    /// Words that judge whatever is named beside them.
    static let plain = """
        [+] : clean simple polite consistent reasonable tender moist fluffy plush polished flawless flawlessly snug seamless effortless \
        holds_up_well lasts lasted_all lasts_all lasts_long still_going works_great works_well works_perfectly work_great work_well \
        works_flawlessly sounds_great looks_great feels_solid feels_sturdy stays_put stays_in_place stay_in_place stays_cold stays_hot \
        in_tune spot_on second_to_none
        [-] : dry cold soggy undercooked overcooked lukewarm creaks creaky squeals clogs clogged warps fails failed failing sticks drags \
        digs_into dig_into digs_in rubs chafes pinches bubbled snags unravels unraveled unraveling melted corroded cuts_out cutting_out \
        loses_charge dries_out peels_off came_unglued came_apart comes_apart lopsided uneven cloudy grainy pixelated dangerously_hot wilted \
        wet soaked barely_works hardly_works falls_out fell_out too_low too_high tough chewy rock_hard
        """

    static let implied = """
        [price -] price: costs_more costs_too_much cost_too_much rip_off ripoff too_pricey not_cheap too_much_money overcharged \
        highway_robbery
        [price +] price: well_priced good_price great_price fair_price steal worth_it worth_the_price money_well_spent cheaper
        [delivery +] delivery: shipped_fast shipped_quickly quick_delivery fast_delivery fast_shipping quick_shipping arrived_early \
        arrived_in_two_days came_early came_in_two_days arrived_the_next_day came_the_next_day here_in_two_days day_early days_early
        [delivery -] delivery: slow_shipping slow_delivery took_a_month took_two_weeks took_three_weeks lost_in_the_mail \
        never_showed_up sent_the_wrong not_delivered
        [delivery -] packaging: damaged_in_transit box_was_crushed poorly_packaged badly_packaged box_was_open
        [delivery +] packaging: well_packaged nicely_packaged carefully_packaged
        [quality -] durability: stopped_charging quit_working gave_out wore_out came_undone fell_to_pieces won't_last didn't_last \
        doesn't_last did_not_last snapped_off split_open bent_easily
        [quality +] durability: built_to_last lasted_years lasted_for_years held_up hold_up still_works holding_up well_constructed \
        indestructible rock_solid
        [quality -] quality: looks_nothing_like not_as_described feels_flimsy
        [quality +] quality: feels_expensive well_finished
        [quality +] performance: works_as_advertised works_as_described works_like_a_charm gets_the_job_done does_the_job
        [quality -] performance: doesn't_work didn't_work does_not_work did_not_work won't_turn_on doesn't_turn_on won't_start useless_at
        [quality -] battery: drains drains_quickly doesn't_hold_a_charge won't_hold_a_charge dies_quickly
        [quality +] battery: holds_a_charge holds_its_charge
        [usability -] charging: won't_charge doesn't_charge charges_slowly
        [usability +] charging: charges_fast charges_quickly
        [quality -] connection: won't_connect won't_pair doesn't_connect loses_connection drops_connection keeps_dropping
        [quality +] connection: pairs_easily paired_instantly pairs_instantly connects_easily connects_instantly paired_right_away
        [quality +] suction: picks_up_everything picks_up_dog_hair picks_up_pet_hair
        [quality -] taste: tastes_like_cardboard tastes_like_plastic tastes_like_chemicals tastes_burnt watery sour flavorless too_salty
        [quality +] taste: flavorful mouthwatering
        [quality -] freshness: rotten moldy expired wilted went_bad past_its_date
        [quality -] smell: reeks smells_like_chemicals smells_like_plastic
        [quality +] warmth: keeps_me_warm kept_me_warm toasty keeps_you_warm
        [quality +] insulation: keeps_drinks_cold keeps_coffee_hot keeps_water_cold kept_ice stays_hot_for stays_cold_for
        [quality +] waterproofing: waterproof keeps_the_rain_out
        [quality -] waterproofing: not_waterproof soaked_through let_water_in lets_water_in
        [quality -] thickness: see_through paper_thin
        [quality -] stability: wobbly tips_over tipped_over falls_over
        [quality +] grip: doesn't_slip does_not_slip non_slip
        [quality -] grip: slips slides_around slides_off
        [design -] fit: fall_out_of_my falls_out_of_my falling_out_of_my kept_falling_off keeps_falling_off rides_up
        [design +] fit: flattering fits_like_a_glove fit_perfectly fit_great fit_like_a_glove
        [design +] design: as_pictured looks_amazing looks_great looks_elegant well_designed nicely_designed adorable
        [design -] design: poorly_designed badly_designed looks_nothing_like_the_picture garish
        [size -] size: run_small run_large run_big runs_big runs_narrow runs_wide size_up too_narrow too_wide wrong_fit
        [size +] size: perfect_size right_size
        [size -] weight: too_heavy weighs_a_ton
        [size +] weight: weighs_nothing weighs_next_to_nothing
        [usability +] ease of use: simple_to_use straightforward effortless_to ease_of_use
        [usability -] ease of use: frustrating_to impossible_to tricky_to fiddly
        [usability +] setup: easy_to_pitch easy_to_assemble up_and_running went_together_easily
        [usability -] setup: took_hours_to_assemble nightmare_to_assemble impossible_to_assemble
        [usability +] cleaning: wipes_clean wipes_down easy_clean
        [usability -] cleaning: nightmare_to_clean impossible_to_clean
        [usability -] comfort: hurt_my hurts_my dig_into_my digs_into_my painful_to_wear
        [usability +] comfort: easy_on_the
        [service +] customer service: answered_within replied_within responded_within replied_quickly responded_quickly answered_quickly \
        resolved courteous helpful attentive sent_a_replacement replaced_it
        [service -] customer service: ignored ignoring refused hung_up never_answered no_reply no_answer unhelpful won't_respond \
        didn't_respond did_not_respond
        """
}
