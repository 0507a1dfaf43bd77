# ruff: noqa: E501 (a pattern is read in one piece)
"""Closed lists of English words. Precision comes from here: what is not listed is not extracted."""

from __future__ import annotations

import re
from collections.abc import Iterable


def words(text: str) -> frozenset[str]:
    """The items of a list as it is written here: by lines or blanks, "_" for a blank within an item."""
    return frozenset(item.replace("_", " ") for item in text.split())


def either(items: Iterable[str]) -> str:
    """A regular expression for any of them, longest first, so that "step dad" wins over "step"."""
    return "(?:" + "|".join(re.escape(item) for item in sorted(items, key=lambda item: (-len(item), item))) + ")"


KIN = words(
    """sister brother mother mom mum mommy mama father dad daddy papa son daughter wife husband spouse partner fiance
    fiancee fiancé fiancée boyfriend girlfriend cousin uncle aunt auntie niece nephew grandmother grandma granny nana
    grandfather grandpa granddad grandson granddaughter twin sibling child kid baby stepmother stepmom stepfather
    stepdad stepson stepdaughter stepbrother stepsister godmother godfather godson goddaughter mother-in-law
    father-in-law sister-in-law brother-in-law son-in-law daughter-in-law half-brother half-sister ex ex-wife
    ex-husband"""
)
PEOPLE = KIN | words(
    """parent grandparent relative friend bestie buddy roommate flatmate housemate neighbor neighbour colleague coworker
    co-worker boss manager supervisor mentor teacher coach therapist doctor dentist landlord assistant lead landlady
    classmate teammate tutor"""
)
PETS = words(
    """dog cat puppy pup kitten kitty hamster parrot rabbit bunny horse pony goldfish fish turtle tortoise snake lizard
    gecko guinea_pig budgie cockatiel canary bird ferret pet doggo labrador lab poodle tabby mongrel mutt greyhound whippet dalmatian rottweiler schnauzer siamese axolotl
    dachshund hedgehog tortoise bee budgerigar llama alpaca cockerel rooster goose beagle corgi dachshund husky
    bulldog terrier retriever shepherd collie spaniel pug chihuahua goat chicken hen duck donkey cow sheep pig gerbil
    rat mouse iguana frog tarantula"""
)
PLURALS = {
    "children": "child", "wives": "wife", "puppies": "puppy", "bunnies": "bunny", "babies": "baby", "ponies": "pony",
    "kitties": "kitty", "mice": "mouse", "fish": "fish", "sheep": "sheep", "huskies": "husky",
}  # fmt: skip
OWNED = PETS | words(
    """car truck van bike bicycle motorbike motorcycle scooter boat yacht house apartment flat condo cottage cabin farm
    garden greenhouse camper rv tesla honda toyota ford bmw audi volvo mercedes prius civic harley subaru mazda nissan
    jeep porsche ferrari vespa guitar piano violin cello drums flute saxophone trumpet ukulele keyboard telescope camera
    drone laptop computer pc macbook ipad iphone phone smartphone tablet kindle printer 3d_printer playstation xbox
    nintendo_switch console raspberry_pi telephone tattoo restaurant bakery shop store cafe company business studio
    gallery blog podcast youtube_channel youtube_account aquarium pool sauna treadmill kayak canoe surfboard snowboard
    skateboard tent caravan motorhome motor_home vinyl_collection record_collection stamp_collection air_fryer
    espresso_machine sewing_machine grill record_player turntable washing_machine dishwasher tv
    television treehouse allotment vineyard orchard sailboat dinghy tractor motorcycle e-bike cargo_bike unicycle
    synthesizer synth harp accordion banjo mandolin violin harmonica rowing_machine smartwatch watch hot_tub"""
)
JOBS = words(
    """accountant actor actress architect artist assistant_professor astronaut astronomer athlete attorney author baker
    banker barber barista bartender biologist blogger bookkeeper bricklayer builder butcher captain carpenter cashier
    chef chemist cleaner coach comedian composer consultant contractor cook counselor counsellor curator dancer
    data_analyst data_scientist dentist designer detective developer dietitian diplomat director dj doctor driver
    economist editor electrician engineer entrepreneur farmer filmmaker firefighter fisherman florist founder freelancer
    gardener geologist graphic_artist hairdresser historian illustrator instructor intern interpreter janitor jeweler
    journalist judge lawyer lecturer librarian linguist machinist manager marine mathematician mechanic meteorologist
    midwife miner model musician nanny neurologist novelist nurse nutritionist optician painter paralegal paramedic
    pastor pharmacist photographer physician physicist physiotherapist pilot plumber poet police_officer policeman
    postdoc postman priest principal producer professor programmer project_manager psychiatrist psychologist
    quantity_surveyor realtor receptionist recruiter researcher sailor salesman salesperson saleswoman scientist
    sculptor secretary singer social_worker soldier songwriter statistician streamer student surgeon surveyor tailor
    teacher technician therapist trainer translator tutor vet veterinarian waiter waitress welder writer youtuber
    product_owner scrum_master sysadmin cto ceo cfo copywriter product_manager stay-at-home_mom stay-at-home_dad
    housewife freelance_writer analyst administrator officer nurse_practitioner teaching_assistant"""
)
PRAISE = words("good great bad terrible better pretty decent natural big huge horrible")
NOT_JOBS = words("going getting making being killing driving")
FIELDS = words(
    """marketing finance tech technology it hr healthcare education sales advertising banking insurance construction
    retail hospitality logistics publishing media law real_estate human_resources research software engineering
    government tourism consulting accounting journalism film television tv fashion agriculture biotech academia
    customer_service customer_support the_public_sector public_relations pr data_science cybersecurity security design
    architecture medicine nursing manufacturing entertainment gaming robotics aviation energy pharma"""
)
TRAITS = words(
    """vegan vegetarian pescatarian lactose_intolerant lactose-intolerant gluten_intolerant gluten-free celiac coeliac
    diabetic asthmatic dyslexic colorblind colourblind color-blind colour-blind color_blind deaf left-handed
    right-handed left_handed right_handed married single divorced widowed engaged retired unemployed self-employed
    self_employed pregnant gay lesbian bisexual bi pansexual asexual straight queer transgender trans nonbinary
    non-binary autistic neurodivergent bilingual trilingual christian catholic protestant muslim jewish buddhist hindu
    sikh atheist agnostic religious introvert introverted extrovert extroverted only_child single_mom single_mother
    single_dad single_father single_parent night_owl early_bird morning_person veteran german french spanish italian
    american british english scottish irish welsh canadian australian mexican brazilian portuguese dutch belgian swiss
    austrian polish czech hungarian romanian bulgarian greek turkish russian ukrainian swedish norwegian danish finnish
    chinese japanese korean vietnamese thai indian pakistani indonesian filipino egyptian nigerian kenyan
    south_african ethiopian moroccan israeli iranian iraqi lebanese syrian argentinian colombian chilean peruvian cuban
    jamaican african asian european latino latina kosher halal sober colorblind widow widower foodie bookworm twin
    recovering_alcoholic quaker mormon baptist lutheran methodist anglican orthodox taoist shinto pagan jain mennonite
    amish sunni shia divorcee teetotal teetotaler teetotaller chronically_ill wheelchair_user blind hard_of_hearing
    colour_blind"""
)
LANGUAGES = words(
    """english german french spanish italian portuguese dutch swedish norwegian danish finnish icelandic russian
    ukrainian polish czech slovak hungarian romanian bulgarian serbian croatian greek turkish arabic hebrew persian
    farsi hindi urdu bengali tamil telugu punjabi chinese mandarin cantonese japanese korean vietnamese thai indonesian
    malay tagalog swahili zulu afrikaans catalan basque irish welsh latin esperanto asl sign_language"""
)
PLAYED = words(
    """tennis football soccer basketball baseball volleyball hockey rugby cricket golf badminton squash table_tennis
    ping_pong chess poker bridge go darts pool lacrosse softball pickleball guitar bass piano violin cello viola drums
    flute clarinet saxophone trumpet trombone harp ukulele banjo keyboard keys accordion harmonica oboe organ
    ice_hockey field_hockey handball water_polo netball snooker padel ultimate lute tuba bassoon french_horn double_bass sitar
    theremin bagpipes fiddle mandolin euphonium recorder bells cornet euchre backgammon mahjong shogi petanque bowls curling
    electric_guitar bass_guitar acoustic_guitar video_games board_games computer_games minecraft dnd d&d fortnite
    valorant league_of_legends dota overwatch zelda pokemon dungeons_and_dragons card_games"""
)
ACTIVITIES = words(
    """yoga pilates crossfit karate judo ballet jiu-jitsu taekwondo tai_chi pottery ceramics gymnastics athletics
    meditation calligraphy woodworking parkour volunteer_work archery aerobics zumba martial_arts stand-up improv"""
)
DRINKS = words(
    "coffee tea alcohol beer wine soda caffeine whiskey whisky vodka liquor coke cola juice milk espresso energy_drinks"
)
FOODS = words(
    """meat sugar dairy gluten bread chocolate fish pork beef chicken eggs sweets candy cheese carbs seafood junk_food
    fast_food red_meat butter pasta rice snacks desserts"""
)
EVENTS = words(
    """appointment meeting interview exam test flight surgery checkup check-up operation wedding recital concert
    presentation deadline conference audition competition tournament marathon game match class lesson train session
    party reunion ceremony graduation date_night dinner lunch call therapy_session performance show workshop
    anniversary vaccination audition viva defence defense hearing trial scan biopsy root_canal mri gig"""
)
MONTHS = words(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec"
)
DAYS = words("monday tuesday wednesday thursday friday saturday sunday")

PLAN_VERBS = words(
    """visit start move buy apply travel marry study learn run build open launch join adopt quit attend compete retire
    enroll volunteer take see meet go fly drive celebrate host perform present propose renovate paint sell write
    publish record train teach hike climb camp swim race graduate finish adopt foster get have make do spend stay
    explore try bake cook plant throw organize organise participate work watch play read redecorate register sign"""
)
WISH_VERBS = words(
    "learn visit become travel move study run adopt quit retire marry compete volunteer lose buy open start publish "
    "help"
)
OWN_RULES = words(
    """work fly drive smoke gamble swear lie use take buy wear watch cook sleep skip answer go travel lend
    shop order read play leave miss check pay tip carry wake nap snack stay"""
)
ORDERS = words(
    """answer reply respond use write speak talk call address give format keep include show explain mention suggest
    recommend avoid stop start send ask remind add put be"""
)
GERUNDS_OF = words("drink eat play use live work drive learn study like love enjoy have own speak date go")
"""Verbs whose "I stopped ...ing" is the ending of a fact that a rule states with the verb; others end a "does"."""


NOT_PLACES = words(
    """fear poverty pain peace hope denial luxury harmony silence hell heaven sin squalor chaos darkness misery style
    comfort isolation solitude reality accounting work school here there home anywhere everywhere somewhere nowhere
    people one two three many several different scratch python linux kubernetes react windows mac macos ios android aws
    azure java rust postgres postgresql mysql typescript javascript docker github gitlab marketing sales finance
    engineering management product today tomorrow monday tuesday wednesday thursday friday saturday sunday it hr
    what which where college university bed both another line step page chapter version level part section phase"""
)
NOT_EMPLOYERS = words(
    """home night nights work least first once all times noon midnight weekends free food money it him her them me
    myself himself fun peanuts tips hours years months weeks days now today change living most life people one heart hand risk large"""
)
NOT_NAMES = words(
    """i i'm i've i'll is are was and or but the a an my your his her our their its this that these those it he she we
    they you not so no yes ok okay just here there what who when where why how back sorry glad happy sad tired fine good
    great well sure done home crazy later tomorrow maybe old-fashioned whatever anytime if black white christmas easter
    halloween thanksgiving google god jesus facebook instagram youtube on in at to for of with from very really too
    also then now today tonight yesterday has had have will would can could did does do"""
) | DAYS | (MONTHS - {"april", "may", "june", "august", "jan"})  # fmt: skip
NOT_THINGS = words(
    """it that this these those them him her you your yours u ur what how when where who why which whether if everything
    something anything nothing everyone someone anyone nobody one some such there here not so their his its enough much
    many more less
    most as like being having myself to say think know both all each every either neither same others another any no is
    are was were i we us me be"""
)
DEFINITE = words(
    """beach ocean sea outdoors mountains countryside city rain snow cold heat sun winter summer spring fall autumn
    water woods forest theater theatre movies opera gym dark piano guitar violin cinema library 80s 90s 70s 60s smell
    taste sound"""
)
PAIRS = words(
    """mac_and_cheese rock_and_roll rock_and_pop fish_and_chips salt_and_pepper ben_and_jerry peanut_butter_and_jelly
    bed_and_breakfast drum_and_bass arts_and_crafts rhythm_and_blues bread_and_butter macaroni_and_cheese
    black_and_white
    biscuits_and_gravy bacon_and_eggs ham_and_cheese cookies_and_cream gin_and_tonic dungeons_and_dragons tom_and_jerry
    rick_and_morty trial_and_error track_and_field friends_and_family family_and_friends rice_and_beans"""
)
