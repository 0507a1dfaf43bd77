"""More closed lists of English words: health, faith, skills, groups, deeds. See ``words``."""

from __future__ import annotations

from memori_wrap.augment.extract.english.words import words

ILLNESSES = words(
    """asthma diabetes epilepsy cancer migraine migraines depression anxiety adhd add autism ptsd ocd eczema psoriasis
    lupus gout anemia anaemia celiac coeliac crohn's ibs hypertension insomnia narcolepsy tinnitus vertigo scoliosis
    glaucoma cataracts astigmatism dyslexia dyscalculia fibromyalgia endometriosis pcos parkinson's alzheimer's dementia
    hay_fever long_covid high_blood_pressure low_blood_pressure back_pain a_pacemaker a_stutter a_stammer a_stoma
    sleep_apnea sleep_apnoea reflux multiple_sclerosis ms bad_knees a_bad_knee a_bad_back heart_failure hiv aphantasia
    high_cholesterol sciatica rosacea vitiligo tourette's"""
)
ILLNESS_ENDS = (
    "itis", "osis", "emia", "aemia", "algia", "pathy", "plegia", "phrenia", "syndrome", "disease", "disorder",
    "intolerance", "deficiency", "condition", "impairment", "palsy", "apnea", "dystrophy",
)  # fmt: skip
MEDICINES = words(
    """insulin ibuprofen aspirin paracetamol acetaminophen antidepressants antihistamines statins beta_blockers
    blood_thinners lithium steroids hrt the_pill ritalin adderall zoloft prozac lexapro vitamin_d iron_tablets
    iron_supplements xanax ozempic methotrexate levothyroxine metformin"""
)
MEDICINE_ENDS = ("farin", "formin", "traline", "statin", "prazole", "sartan", "olol", "pril", "xetine", "cillin",
                 "thyroxine", "azepam", "nisone", "nisolone", "triptan", "gliptin", "lukast", "dipine", "xaban",
                 "tidine", "mycin", "lopram", "dronate", "glutide", "trexate", "bapentin", "apine")  # fmt: skip
FAITHS = words(
    """quaker mormon baptist lutheran methodist anglican presbyterian orthodox evangelical calvinist mennonite amish
    sunni shia taoist daoist shinto pagan wiccan jain zoroastrian baha'i bahá'í unitarian pentecostal episcopalian
    secular humanist agnostic atheist buddhist hindu sikh muslim christian catholic protestant jewish"""
)
OBSERVED = words("ramadan lent shabbat sabbath the_sabbath kosher halal yom_kippur passover diwali eid advent navratri")
SKILLS = words(
    """juggle swim cook sew knit crochet weld whistle solder drive ski skate surf dive dance sing draw paint code
    program ride sail bake snowboard skateboard wrestle box fence type touch-type yodel moonwalk backflip climb lip-read
    sign read_music read_braille ice_skate do_a_handstand do_a_backflip fly_a_plane fix lay_bricks speed-read"""
)
GROUPS = words(
    """club choir band orchestra team league chorus ensemble quartet trio troupe society association guild union board
    committee congregation group squad brigade scouts council federation party parish co-op cooperative lodge crew
    quintet octet"""
)
BUSINESSES = words(
    """shop store bakery cafe café restaurant bar pub hotel hostel farm garage salon studio agency clinic practice
    gallery nursery school kindergarten bookshop brewery vineyard workshop business company firm startup start-up
    franchise laundry gym charity nonprofit ngo podcast blog newsletter boutique pharmacy bistro dairy bookstore
    food_truck guesthouse b&b campsite orchard stall kiosk winery distillery pizzeria deli foundry team department"""
)
DEEDS = words(
    """passed finished completed ran won graduated signed broke visited climbed published submitted defended sold bought
    attended celebrated cycled hiked swam flunked failed lost retired proposed renovated planted built painted donated
    ran crossed flew released launched recorded organized organised hosted baptised donated cancelled"""
)
NOT_HABITS = words(
    """have want need think know guess see get hope would can could will am was were feel like love hate mean wonder
    say told said tell ask understand believe remember forget wish suppose should must might may do did had got had
    just only never always really also still prefer live keep find notice hear swear promise plan expect seem agree"""
)
NOT_AGENTS = words(
    """lover believer member supporter user newcomer foreigner beginner reader smoker drinker eater fan runner hiker
    gamer sleeper talker listener learner walker thinker swimmer dreamer winner loser caller sucker stickler follower
    hater killer fighter survivor sponsor collector sister brother mother father daughter helper outsider insider
    stranger owner customer subscriber prisoner character monster spider tester_of minor mirror doctor_of elder sinner
    liar neighbor dancer_of subscriber buyer seller bummer number traitor visitor visionary
    passenger saver starter finisher speaker subscriber leader holder sitter goner loner player admirer wonder tiger
    other another bother rather either matter better later number quitter quarter foster poster over under lifer after
    rooster donor worrier traveler traveller spectator novelist_of realist optimist pessimist perfectionist feminist
    minimalist idealist guest pacifist activist_of giant infant elephant restaurant tyrant mutant italian virgin
    librarian_of vegetarian christian asian human civilian politician_of guardian russian canadian"""
)  # fmt: skip
ALLERGENS = words(
    """nuts peanuts tree_nuts shellfish lactose wheat soy soya onions onion garlic eggs celery mustard sesame
    mushrooms tomatoes citrus spicy_food gluten caffeine"""
)
NATIONS = words(
    """kenyan ghanaian tanzanian ugandan zimbabwean tunisian algerian libyan sudanese senegalese ivorian cameroonian
    congolese angolan mozambican namibian rwandan somali eritrean malian bolivian ecuadorian paraguayan uruguayan
    venezuelan guatemalan honduran nicaraguan salvadoran costa_rican panamanian dominican haitian puerto_rican
    icelandic estonian latvian lithuanian slovak slovenian croatian serbian bosnian albanian macedonian montenegrin
    maltese cypriot georgian armenian azerbaijani kazakh uzbek kyrgyz tajik turkmen mongolian nepali nepalese bhutanese
    bangladeshi sri_lankan burmese cambodian laotian malaysian singaporean taiwanese tibetan afghan saudi emirati
    qatari kuwaiti jordanian palestinian yemeni omani kurdish catalan basque galician bavarian sicilian maori māori
    samoan tongan fijian hawaiian texan californian scottish kiwi luxembourgish moldovan belarusian flemish walloon"""
)
TASKS = words(
    """website site build argument test tests package meeting app file files script scripts page logs log error errors
    code command query server job pipeline report document bug update updates function program module notebook model
    benchmark task tasks ticket tickets release version branch commit call calls email emails form line"""
)
"""Things of a day's work: what was done to them, or is done every hour, is no news of a person's life."""
JOKED_ALLERGENS = words(
    """meetings nonsense work mondays stupidity mornings exercise people drama commitment small_talk bullshit bs
    responsibility boredom cardio paperwork homework housework effort idiots failure criticism"""
)
