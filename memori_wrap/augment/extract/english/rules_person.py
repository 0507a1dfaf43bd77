"""Rules for who somebody is: name, home, work, possessions, people and animals. See ``grammar.Rule``."""

from __future__ import annotations

from memori_wrap.augment.extract.english.names import NAME
from memori_wrap.augment.extract.english.rule import AM, BEEN, HAVE, I_DO, OFTEN, PAST, REL, SOMEONE, WHOSE, rule
from memori_wrap.augment.extract.grammar import Rule

_GREETING = (
    r"(?:^|[.!?,] )(?:hi|hello|hey|greetings|howdy|good (?:morning|afternoon|evening))(?: (?:there|all|"
    r"everyone|everybody|team|guys))?[ ,.!:;–—-]*$"
)

_SELF = (
    rule("name.is", "name", "^my (?:(?:full|real|first|legal|given|last) )?name(?:'s| is|s) (?:actually )?(?P<o>.+)",
          "name", "name", "attribute", "{p} name is {o}", confidence=0.97,
          unless="last name|my names? (?:is|are) (?:not|on|in)"),
    rule("name.greeting", "m am im is", "^(?:i'm|i am|im|this is) (?P<o>.+)", "greeted", "name", "attribute",
          "{p} name is {o}", confidence=0.85, after=_GREETING),
    rule("name.intro", "m am", "^(?:i'm|i am) (?P<o>.+)", "greeted", "name", "attribute", "{p} name is {o}",
          confidence=0.75, after="^$"),
    rule("name.call", "call", "^(?:you can |just |feel free to |always )?call me (?P<o>.+)", "nickname", "called",
          "attribute", "{s} wants to be called {o}"),
    rule("name.called", "call calls",
          "^(?:everyone|everybody|people|my friends|friends|they all|my family) (?:just )?calls? me (?P<o>.+)",
          "nickname", "called", "attribute", "{s} is called {o}"),
    rule("name.nickname", "nickname", "^my nickname(?:'s| is) (?P<o>.+)", "nickname", "called", "attribute",
          "{p} nickname is {o}"),
    rule("name.goes_by", "go", "^i (?:usually )?go by (?P<o>.+)", "nickname", "called", "attribute",
          "{s} goes by {o}"),
    rule("age.is", "m am im", "^(?:i'm|i am|im) (?P<o>\\d.*)", "age", "age", "attribute", "{s} is{n} {o} years old"),
    rule("age.turned", "turned", "^i(?:'ve)? (?:just )?turned (?P<o>\\d.*)", "age", "age", "attribute",
          "{s} turned {o}"),
    rule("is.trait", "m am im re are", f"{AM}(?P<o>.+)", "trait", "is", "attribute", "{s} is{n} {o}",
          confidence=0.85),
    rule("speaks", "speak", f"{I_DO}(?:can )?speak (?P<o>.+)", "languages", "speaks", "attribute", "{s}{n} speaks {o}"),
    rule("speaks.fluent", "fluent", f"{AM}fluent in (?P<o>.+)", "languages", "speaks", "attribute",
          "{s} is{n} fluent in {o}"),
    rule("speaks.native", "native mother first", "^my (?:native|first|mother) (?:language|tongue) is (?P<o>.+)",
          "languages", "speaks", "attribute", "{p} native language is {o}"),
    rule("contact.email", "email mail reach contact",
          "^(?:my (?:\\w+ )?e-?mail(?: address)?(?:'s| is)|you can (?:reach|contact|email) me at) (?P<o>.+)", "email",
          "email", "attribute", "{p} e-mail address is {o}", confidence=0.97),
    rule("contact.phone", "phone number reach call",
          "^(?:my (?:\\w+ )?(?:phone|cell|mobile|number|telephone)(?: number)?(?:'s| is)|you can (?:reach|call"
          "|text) me (?:at|on)) (?P<o>.+)", "phone", "phone", "attribute", "{p} phone number is {o}", confidence=0.97),
    rule("timezone.in", "zone timezone", f"{AM}(?:in|on) (?:the )?(?P<o>[\\w/+:-]+) time ?zone", "time_zone",
          "timezone", "attribute", "{p} time zone is {o}"),
    rule("timezone.is", "zone timezone", "^my time ?zone(?:'s| is) (?P<o>.+)", "time_zone", "timezone", "attribute",
          "{p} time zone is {o}"),
    rule("pronouns", "pronouns", "^my pronouns are (?P<o>.+)", "pronouns", "pronouns", "attribute",
          "{p} pronouns are {o}"),
    rule("birthday.is", "birthday bday", "^my (?:birthday|bday)(?:'s| is)(?: on)? (?P<o>.+)", "date", "birthday",
          "event", "{p} birthday is {o}", confidence=0.97),
    rule("birthday.born", "born", "^i was born on (?P<o>.+)", "date", "birthday", "event", "{s} was born on {o}",
          confidence=0.97),
    rule("anniversary", "anniversary", "^(?:my|our) (?:wedding |dating )?anniversary(?:'s| is)(?: on)? (?P<o>.+)",
          "date", "anniversary", "event", "{p} anniversary is {o}"),
)  # fmt: skip

_HOME = (
    rule("home.live", "live reside", f"{I_DO}(?:live|reside) (?:over |up |down |out |here )?in (?P<o>.+)", "home",
          "lives_in", "attribute", "{s}{n} lives in {o}", confidence=0.95),
    rule("home.living", "living based residing",
          f"{AM}(?:living|based|residing) (?:over |up |down |out |here )?in (?P<o>.+)", "home", "lives_in",
          "attribute", "{s}{n} lives in {o}", confidence=0.95),
    rule("home.lived", "lived living", f"{BEEN}(?:lived|been living) in (?P<o>.+? (?:for|since|all) .+)", "home",
          "lives_in", "attribute", "{s} lives in {o}", confidence=0.85),
    rule("home.moved", "moved relocated",
          f"{HAVE}(?:moved|relocated) (?:back |over |down |up |out |here |recently )?(?:(?:here )?from [^,;]+? "
          ")?to (?P<o>.+)", "place", "lives_in", "attribute", "{s} moved to {o}", unless=PAST),
    rule("home.moved_from", "moved relocated",
          f"{HAVE}(?:moved|relocated) (?:back |over |here |away |recently )?from (?P<o>.+?)(?: to .+)?$", "place",
          "lives_in", "attribute", "{s} no longer lives in {o}", confidence=0.8, ends=True, unless=PAST),
    rule("home.address", "address", "^(?:my|our) (?:(?:home|new|current|street|postal) )?address(?:'s| is) (?P<o>.+)",
          "address", "lives_at", "attribute", "{p} address is {o}", confidence=0.95),
    rule("home.live_at", "live", f"{I_DO}live at (?P<o>.+)", "address", "lives_at", "attribute", "{s}{n} lives at {o}"),
    rule("home.with", "live living",
          "^(?:(?:i|we) (?:still |now )?live|(?:i'm|i am|we're) living) (?:together )?with (?P<o>.+)", "people",
          "lives_with", "relationship", "{s}{n} lives with {o}"),
    rule("home.from", "from", f"{AM}(?:from|born and raised in) (?P<o>.+)", "place", "comes_from", "attribute",
          "{s} is from {o}"),
    rule("home.come", "come hail", f"{I_DO}(?:come|hail) from (?P<o>.+)", "place", "comes_from", "attribute",
          "{s} comes from {o}"),
    rule("home.grew", "grew raised", "^(?:i|we) (?:grew up|was raised|was born and raised) in (?P<o>.+)", "place",
          "comes_from", "attribute", "{s} grew up in {o}"),
    rule("home.hometown", "hometown", "^my home ?town is (?P<o>.+)", "place", "comes_from", "attribute",
          "{p} hometown is {o}"),
    rule("home.born", "born", "^i was born in (?P<o>.+)", "place", "born_in", "attribute", "{s} was born in {o}"),
)  # fmt: skip

_WORK = (
    rule("work.at", "work", f"{I_DO}work (?:full[- ]time |part[- ]time |remotely |here )?(?:at|for) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s}{n} works at {o}"),
    rule("work.working", "working employed", f"{AM}(?:working|employed) (?:at|for|by) (?P<o>.+)", "employer",
          "works_at", "attribute", "{s}{n} works at {o}"),
    rule("work.been", "worked working", f"{BEEN}(?:worked|been working) (?:at|for) (?P<o>.+? (?:for|since) .+)",
          "employer", "works_at", "attribute", "{s} works at {o}"),
    rule("work.started", "started began",
          f"{HAVE}(?:started|began) (?:working|work|(?:a|my) (?:new )?(?:job|position|role)) (?:at|for|with) "
          "(?P<o>.+)", "employer", "works_at", "attribute", "{s} started working at {o}"),
    rule("work.hired", "job position role internship",
          f"{HAVE}(?:got|landed|found|accepted|have|took|start|started) (?:an? |my |the )(?:[\\w-]+ "
          f"){{0,2}}(?:job|position|role|internship) (?:at|with) (?P<o>.+)", "employer", "works_at", "attribute",
          "{s} got a job at {o}", unless="interview|offer"),
    rule("work.employer", "employer company", "^my (?:current |new )?(?:employer|company) is (?P<o>.+)", "own_name",
          "works_at", "attribute", "{s}{n} works at {o}"),
    rule("work.job_at", "at for with", f"{AM}(?P<job>(?:an? |the )(?:[\\w-]+ ){{1,4}}?)(?:at|for|with) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s}{n} works at {o}", unless="student (?:at|for|with)"),
    rule("work.is", "m am im re are", f"{AM}(?P<o>(?:an? |the )?[\\w-]+.*)", "job", "works_as", "attribute",
          "{s} is{n} {o}"),
    rule("work.as", "work", f"{I_DO}work (?:full[- ]time |part[- ]time )?as (?P<o>.+)", "job", "works_as", "attribute",
          "{s}{n} works as {o}"),
    rule("work.as_at", "work working",
          "^(?:i|i'm|i am) (?:currently |now )?work(?:ing)? as (?P<job>(?:an? |the )(?:[\\w-]+ ){1,4}?)"
          "(?:at|for) (?P<o>.+)", "employer", "works_at", "attribute", "{s}{n} works at {o}"),
    rule("work.working_as", "working employed", f"{AM}(?:working|employed) as (?P<o>.+)", "job", "works_as",
          "attribute", "{s}{n} works as {o}"),
    rule("work.been_as", "worked working been",
          f"{BEEN}(?:worked as|been working as|been) (?P<o>an? .+? (?:for|since) .+)", "job", "works_as", "attribute",
          "{s} works as {o}", confidence=0.8),
    rule("work.job", "job profession occupation",
          "^my (?:day |current |new )?(?:job|profession|occupation) is (?:being )?(?P<o>.+)", "work", "works_as",
          "attribute", "{p} job is {o}"),
    rule("work.became", "became promoted",
          f"{HAVE}(?:became|got promoted to|was promoted to|been promoted to) (?P<o>.+)", "job", "works_as",
          "attribute", "{s} became {o}", unless=PAST),
    rule("work.hired_as", "job", f"{HAVE}(?:got|landed|found|started) (?:a|my) (?:new )?job as (?P<o>.+)", "job",
          "works_as", "attribute", "{s} works as {o}"),
    rule("work.field", "work", f"{I_DO}work in (?P<o>.+)", "field_of_work", "works_in", "attribute",
          "{s}{n} works in {o}"),
    rule("work.field_ing", "working", f"{AM}working in (?P<o>.+)", "field_of_work", "works_in", "attribute",
          "{s}{n} works in {o}"),
    rule("work.left", "quit left",
          f"{HAVE}(?:quit|left|resigned from) (?:my (?:old )?(?:job|position|role) (?:at|with)) (?P<o>.+)", "employer",
          "works_at", "attribute", "{s} no longer works at {o}", ends=True),
    rule("work.lost", "fired laid", "^i(?:'ve)? (?:got|was|been) (?:just )?(?:fired|laid off) (?:from|by) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s} no longer works at {o}", ends=True, unless="my job|work"),
    rule("study.study", "study studying", "^(?:i|we|i'm|i am|im) (?:currently |also )?study(?:ing)? (?P<o>.+)",
          "subject", "studies", "attribute", "{s}{n} studies {o}"),
    rule("study.major", "major majoring degree masters master phd",
          f"^(?:i'm|i am|im|i) {OFTEN}(?:majoring in|major in|(?:doing|getting|pursuing|working on) (?:a|my) "
          "(?:\\w+ )?(?:degree|phd|masters|master's|bachelor's) in) (?P<o>.+)", "subject", "studies", "attribute",
          "{s}{n} studies {o}"),
    rule("study.my_major", "major", "^my major is (?P<o>.+)", "subject", "studies", "attribute", "{s} studies {o}"),
    rule("study.at", "study studying",
          "^(?:i|we|i'm|i am|im) (?:currently |also )?study(?:ing)? (?:[\\w& ]{2,40}? )?at (?P<o>.+)", "school",
          "studies_at", "attribute", "{s}{n} studies at {o}"),
    rule("study.student", "student", f"{AM}an? (?:[\\w-]+ ){{0,4}}student at (?P<o>.+)", "school", "studies_at",
          "attribute", "{s} is{n} a student at {o}"),
)  # fmt: skip

_OWN = (
    rule("has", "have own got bought adopted rescued purchased keep",
          f"{HAVE}(?:have|own|got|bought|adopted|rescued|purchased) (?P<o>.+)", "owned", "has", "possession",
          "{s}{n} has {o}"),
    rule("has.bought", "bought purchased",
          f"{HAVE}(?:bought|purchased) (?:myself |ourselves )?(?P<o>(?:an? |some new |new |two |three ).+)", "bought",
          "has", "possession", "{s} bought {o}", confidence=0.8),
    rule("has.kin", "have got ve", f"(?:{HAVE}(?:have|got)|^(?:i've|we've)) (?P<o>.+)", "kin", "has_relative",
          "relationship", "{s}{n} has {o}"),
    rule("has.sold", "sold gave", f"{HAVE}(?:sold|gave away) (?P<o>.+)", "owned", "has", "possession",
          "{s} no longer has {o}", ends=True),
    rule("pet.named", "named called have got adopted",
          f"{HAVE}(?:have|own|got|adopted|rescued) (?:an? |two |three |four |my |the |our |\\d )?(?:[\\w-]+ "
          f"){{0,4}}?(?P<rel>{REL}s?|puppies|mice|children)"
          "(?: named| called|,| whose names? (?:is|are)|:| and (?:his|her|its) name is) (?P<o>.+)", "names", "named",
          "relationship", "{p} {rel} is named {o}", subject="{s}'s {rel}"),
    rule("named.is", "name names called named s",
          f"{WHOSE}(?P<rel>{REL}s?|puppies|mice|children)(?:'s name is|'s name's| name is|'?s?'? names are| is "
          "called| are called| is named| are named|'s called|'s named) (?P<o>.+)", "names", "named", "relationship",
          "{p} {rel} is named {o}", subject="{s}'s {rel}", confidence=0.95),
    rule("named.by", "my our",
          f"\\b(?:my|our) (?:[\\w-]+ ){{0,2}}?(?P<rel>{REL}s?|puppies|children)(?: named| called)? "
          f"(?P<o>{NAME}(?:(?:, | and |, and ){NAME})*)", "names", "named", "relationship", "{p} {rel} is named {o}",
          subject="{s}'s {rel}", confidence=0.85),
    rule("named.comma", "my our",
          f"\\b(?:my|our) (?:[\\w-]+ ){{0,1}}?(?P<rel>{REL}), (?P<o>{NAME})(?=,)", "names",
          "named", "relationship", "{p} {rel} is named {o}", subject="{s}'s {rel}", confidence=0.8),
    rule("named.plain", "is", f"{WHOSE}(?P<rel>{REL}) is (?P<o>{NAME}.*)", "strictly_named", "named",
          "relationship", "{p} {rel} is {o}", subject="{s}'s {rel}", confidence=0.8),
    rule("partner", "married engaged", f"{AM}(?:married|engaged) to (?P<o>.+)", "beloved", "partner", "relationship",
          "{s} is{n} with {o}"),
    rule("partner.dating", "dating", f"{AM}dating (?P<o>.+)", "beloved", "partner", "relationship",
          "{s} is{n} dating {o}"),
    rule("partner.been", "dating married", f"{BEEN}been (?:dating|married to|engaged to) (?P<o>.+)", "beloved",
          "partner", "relationship", "{s} is with {o}"),
    rule("partner.date", "date", f"{I_DO}date (?P<o>.+)", "beloved", "partner", "relationship", "{s}{n} dates {o}"),
    rule("partner.broke", "broke", f"{HAVE}broke up with (?P<o>.+)", "beloved", "partner", "relationship",
          "{s} is no longer with {o}", ends=True),
)  # fmt: skip


def _theirs(id: str, cues: str, verb: str, kind: str, predicate: str, category: str, text: str) -> Rule:
    """What is said of somebody of the speaker's: "my sister Anna lives in ..."."""
    return rule(f"their.{id}", cues, f"{SOMEONE}{verb}(?P<o>.+)", kind, predicate, category,
                 f"{{p}} {{rel}}{{who}}{text}", subject="{s}'s {rel}{who}", confidence=0.85)  # fmt: skip


_OTHERS = (
    _theirs("from", "from", " (?:is|are) (?:originally )?from ", "place", "comes_from", "relationship",
          " is from {o}"),
    _theirs("home", "lives live", "s? (?:still |now |currently )?lives? in ", "home", "lives_in", "relationship",
          "{n} lives in {o}"),
    _theirs("moved", "moved", " (?:just |recently )?moved to ", "place", "lives_in", "relationship", " moved to {o}"),
    _theirs("work", "works", " (?:still |now |currently )?works (?:at|for) ", "employer", "works_at", "relationship",
          "{n} works at {o}"),
    _theirs("works_as", "works", " (?:still |now |currently )?works as ", "job", "works_as", "relationship",
          "{n} works as {o}"),
    _theirs("job", "is", " is (?:currently |now |also )?(?=an? )", "job", "works_as", "relationship", " is{n} {o}"),
    _theirs("likes", "likes loves enjoys",
          " (?:really |absolutely |also )?(?:likes|loves|enjoys) (?!to |it|that|this|me|him|her)", "things", "likes",
          "relationship", "{n} likes {o}"),
    _theirs("hates", "hates dislikes", " (?:really |absolutely )?(?:hates|dislikes) (?!to |it|that|this|me|him|her)",
          "things", "dislikes", "relationship", "{n} dislikes {o}"),
    _theirs("allergy", "allergic", " is (?:severely |very |also )?allergic to ", "things", "allergic_to",
          "relationship", " is{n} allergic to {o}"),
    _theirs("trait", "is", " is (?:also )?", "trait", "is", "relationship", " is{n} {o}"),
    _theirs("age", "is turned", " (?:is|just turned|turned) (?=\\d)", "age", "age", "relationship",
          " is {o} years old"),
    _theirs("birthday", "birthday", "'s birthday(?:'s| is)(?: on)? ", "date", "birthday", "event",
          "'s birthday is {o}"),
    _theirs("plays", "plays", " plays ", "played", "plays", "relationship", "{n} plays {o}"),
)  # fmt: skip

PERSON = (*_SELF, *_HOME, *_WORK, *_OWN, *_OTHERS)
