"""The English rules, as data. See ``grammar.Rule`` for what the fields mean."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english import words as w
from memori_wrap.augment.extract.english.names import NAME
from memori_wrap.augment.extract.grammar import Rule

_OFTEN = (
    "(?:(?:really|absolutely|totally|just|also|always|usually|often|mostly|mainly|currently|now|still|actually|so|truly|"
    "particularly|especially|recently|definitely|generally|normally|both|only|kinda|kind of|sort of|pretty much|simply|"
    "typically|do|finally|already|personally|originally|happily|very|all) ){0,3}"
)
_I = f"^(?:i|we) {_OFTEN}"
_AM = f"^(?:i am|i'm|im|we are|we're) {_OFTEN}"
_HAVE = f"^(?:i|we)(?:'ve| have|ve)? {_OFTEN}"
_BEEN = f"^(?:i have|i've|ive|we have|we've) {_OFTEN}"
_WHOSE = "^(?:my|our) (?:(?:new|old|current|own|only|dear|lovely|little|big|baby|youngest|oldest|eldest|younger|older|best|late|beloved) ){0,2}"
_RELS = w.either(w.PEOPLE | w.PETS)
_SOMEONE = f"{_WHOSE}(?P<rel>{_RELS})(?P<who>,? {NAME},?)?"
_PAST = r"\b(?:when i was|when we were|as a (?:kid|child|teen\w*|baby)|back (?:in|then)|at first|years later|and then|before moving)\b"


def _rule(
    id: str,
    cues: str,
    pattern: str,
    kind: str,
    predicate: str,
    category: str,
    text: str,
    subject: str = "{s}",
    confidence: float = 0.9,
    ends: bool = False,
    after: str | None = None,
    unless: str | None = None,
) -> Rule:
    return Rule(
        id=f"en.{id}",
        cues=frozenset(cues.split()),
        pattern=re.compile(pattern, re.IGNORECASE),
        kind=kind,
        predicate=predicate,
        category=category,
        text=text,
        subject=subject,
        confidence=confidence,
        ends=ends,
        after=re.compile(after, re.IGNORECASE) if after else None,
        unless=re.compile(unless, re.IGNORECASE) if unless else None,
    )


_GREETING = r"(?:^|[.!?,] )(?:hi|hello|hey|greetings|howdy|good (?:morning|afternoon|evening))(?: (?:there|all|everyone|everybody|team|guys))?[ ,.!:;–—-]*$"

_SELF = (
    _rule("name.is", "name", "^my (?:(?:full|real|first|legal|given|last) )?name(?:'s| is|s) (?:actually )?(?P<o>.+)",
          "name", "name", "attribute", "{p} name is {o}", confidence=0.97, unless="last name|my names? (?:is|are) (?:not|on|in)"),
    _rule("name.greeting", "m am im is", "^(?:i'm|i am|im|this is) (?P<o>.+)",
          "greeted", "name", "attribute", "{p} name is {o}", confidence=0.85, after=_GREETING),
    _rule("name.call", "call", "^(?:you can |just |feel free to |always )?call me (?P<o>.+)",
          "nickname", "called", "attribute", "{s} wants to be called {o}"),
    _rule("name.called", "call calls", "^(?:everyone|everybody|people|my friends|friends|they all|my family) (?:just )?calls? me (?P<o>.+)",
          "nickname", "called", "attribute", "{s} is called {o}"),
    _rule("name.goes_by", "go", "^i (?:usually )?go by (?P<o>.+)", "nickname", "called", "attribute", "{s} goes by {o}"),
    _rule("age.is", "m am im", "^(?:i'm|i am|im) (?P<o>\\d.*)", "age", "age", "attribute", "{s} is{n} {o} years old"),
    _rule("age.turned", "turned", "^i(?:'ve)? (?:just )?turned (?P<o>\\d.*)", "age", "age", "attribute", "{s} turned {o}"),
    _rule("is.trait", "m am im re are", f"{_AM}(?P<o>.+)", "trait", "is", "attribute", "{s} is{n} {o}", confidence=0.85),
    _rule("speaks", "speak", f"{_I}(?:can )?speak (?P<o>.+)", "languages", "speaks", "attribute", "{s}{n} speaks {o}"),
    _rule("speaks.fluent", "fluent", f"{_AM}fluent in (?P<o>.+)", "languages", "speaks", "attribute", "{s} is{n} fluent in {o}"),
    _rule("speaks.native", "native mother first", "^my (?:native|first|mother) (?:language|tongue) is (?P<o>.+)",
          "languages", "speaks", "attribute", "{p} native language is {o}"),
    _rule("contact.email", "email mail reach contact",
          "^(?:my (?:\\w+ )?e-?mail(?: address)?(?:'s| is)|you can (?:reach|contact|email) me at) (?P<o>.+)",
          "email", "email", "attribute", "{p} e-mail address is {o}", confidence=0.97),
    _rule("contact.phone", "phone number reach call",
          "^(?:my (?:\\w+ )?(?:phone|cell|mobile|number|telephone)(?: number)?(?:'s| is)|you can (?:reach|call|text) me (?:at|on)) (?P<o>.+)",
          "phone", "phone", "attribute", "{p} phone number is {o}", confidence=0.97),
    _rule("timezone.in", "zone timezone", f"{_AM}(?:in|on) (?:the )?(?P<o>[\\w/+:-]+) time ?zone",
          "time_zone", "timezone", "attribute", "{p} time zone is {o}"),
    _rule("timezone.is", "zone timezone", "^my time ?zone(?:'s| is) (?P<o>.+)", "time_zone", "timezone", "attribute", "{p} time zone is {o}"),
    _rule("pronouns", "pronouns", "^my pronouns are (?P<o>.+)", "pronouns", "pronouns", "attribute", "{p} pronouns are {o}"),
    _rule("birthday.is", "birthday bday", "^my (?:birthday|bday)(?:'s| is)(?: on)? (?P<o>.+)",
          "date", "birthday", "event", "{p} birthday is {o}", confidence=0.97),
    _rule("birthday.born", "born", "^i was born on (?P<o>.+)", "date", "birthday", "event", "{s} was born on {o}", confidence=0.97),
    _rule("anniversary", "anniversary", "^(?:my|our) (?:wedding |dating )?anniversary(?:'s| is)(?: on)? (?P<o>.+)",
          "date", "anniversary", "event", "{p} anniversary is {o}"),
)  # fmt: skip

_HOME = (
    _rule("home.live", "live reside", f"{_I}(?:live|reside) (?:over |up |down |out |here )?in (?P<o>.+)",
          "home", "lives_in", "attribute", "{s}{n} lives in {o}", confidence=0.95),
    _rule("home.living", "living based residing", f"{_AM}(?:living|based|residing) (?:over |up |down |out |here )?in (?P<o>.+)",
          "home", "lives_in", "attribute", "{s}{n} lives in {o}", confidence=0.95),
    _rule("home.lived", "lived living", f"{_BEEN}(?:lived|been living) in (?P<o>.+? (?:for|since|all) .+)",
          "home", "lives_in", "attribute", "{s} lives in {o}", confidence=0.85),
    _rule("home.moved", "moved relocated",
          f"{_HAVE}(?:moved|relocated) (?:back |over |down |up |out |here |recently )?(?:(?:here )?from [^,;]+? )?to (?P<o>.+)",
          "place", "lives_in", "attribute", "{s} moved to {o}", unless=_PAST),
    _rule("home.moved_from", "moved relocated",
          f"{_HAVE}(?:moved|relocated) (?:back |over |here |away |recently )?from (?P<o>.+?)(?: to .+)?$",
          "place", "lives_in", "attribute", "{s} no longer lives in {o}", confidence=0.8, ends=True, unless=_PAST),
    _rule("home.address", "address", "^(?:my|our) (?:(?:home|new|current|street|postal) )?address(?:'s| is) (?P<o>.+)",
          "address", "lives_at", "attribute", "{p} address is {o}", confidence=0.95),
    _rule("home.live_at", "live", f"{_I}live at (?P<o>.+)", "address", "lives_at", "attribute", "{s}{n} lives at {o}"),
    _rule("home.with", "live living", "^(?:(?:i|we) (?:still |now )?live|(?:i'm|i am|we're) living) (?:together )?with (?P<o>.+)",
          "people", "lives_with", "relationship", "{s}{n} lives with {o}"),
    _rule("home.from", "from", f"{_AM}(?:from|born and raised in) (?P<o>.+)", "place", "comes_from", "attribute", "{s} is from {o}"),
    _rule("home.come", "come hail", f"{_I}(?:come|hail) from (?P<o>.+)", "place", "comes_from", "attribute", "{s} comes from {o}"),
    _rule("home.grew", "grew raised", "^(?:i|we) (?:grew up|was raised|was born and raised) in (?P<o>.+)",
          "place", "comes_from", "attribute", "{s} grew up in {o}"),
    _rule("home.born", "born", "^i was born in (?P<o>.+)", "place", "born_in", "attribute", "{s} was born in {o}"),
)  # fmt: skip

_WORK = (
    _rule("work.at", "work", f"{_I}work (?:full[- ]time |part[- ]time |remotely |here )?(?:at|for) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s}{n} works at {o}"),
    _rule("work.working", "working employed", f"{_AM}(?:working|employed) (?:at|for|by) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s}{n} works at {o}"),
    _rule("work.been", "worked working", f"{_BEEN}(?:worked|been working) (?:at|for) (?P<o>.+? (?:for|since) .+)",
          "employer", "works_at", "attribute", "{s} works at {o}"),
    _rule("work.started", "started began",
          f"{_HAVE}(?:started|began) (?:working|work|(?:a|my) (?:new )?(?:job|position|role)) (?:at|for|with) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s} started working at {o}"),
    _rule("work.hired", "job position role internship",
          f"{_HAVE}(?:got|landed|found|accepted|have|took|start|started) (?:an? |my |the )(?:[\\w-]+ ){{0,2}}(?:job|position|role|internship) (?:at|with) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s} got a job at {o}", unless="interview|offer"),
    _rule("work.employer", "employer company", "^my (?:current |new )?(?:employer|company) is (?P<o>.+)",
          "own_name", "works_at", "attribute", "{s}{n} works at {o}"),
    _rule("work.job_at", "at for with", f"{_AM}(?P<job>(?:an? |the )(?:[\\w-]+ ){{1,4}}?)(?:at|for|with) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s}{n} works at {o}", unless="student (?:at|for|with)"),
    _rule("work.is", "m am im re are", f"{_AM}(?P<o>(?:an? |the )?[\\w-]+.*)", "job", "works_as", "attribute", "{s} is{n} {o}"),
    _rule("work.as", "work", f"{_I}work (?:full[- ]time |part[- ]time )?as (?P<o>.+)", "job", "works_as", "attribute", "{s}{n} works as {o}"),
    _rule("work.working_as", "working employed", f"{_AM}(?:working|employed) as (?P<o>.+)", "job", "works_as", "attribute", "{s}{n} works as {o}"),
    _rule("work.been_as", "worked working been", f"{_BEEN}(?:worked as|been working as|been) (?P<o>an? .+? (?:for|since) .+)",
          "job", "works_as", "attribute", "{s} works as {o}", confidence=0.8),
    _rule("work.job", "job profession occupation", "^my (?:day |current |new )?(?:job|profession|occupation) is (?:being )?(?P<o>.+)",
          "work", "works_as", "attribute", "{p} job is {o}"),
    _rule("work.became", "became promoted", f"{_HAVE}(?:became|got promoted to|was promoted to|been promoted to) (?P<o>.+)",
          "job", "works_as", "attribute", "{s} became {o}", unless=_PAST),
    _rule("work.hired_as", "job", f"{_HAVE}(?:got|landed|found|started) (?:a|my) (?:new )?job as (?P<o>.+)",
          "job", "works_as", "attribute", "{s} works as {o}"),
    _rule("work.field", "work", f"{_I}work in (?P<o>.+)", "field_of_work", "works_in", "attribute", "{s}{n} works in {o}"),
    _rule("work.field_ing", "working", f"{_AM}working in (?P<o>.+)", "field_of_work", "works_in", "attribute", "{s}{n} works in {o}"),
    _rule("work.left", "quit left", f"{_HAVE}(?:quit|left|resigned from) (?:my (?:old )?(?:job|position|role) (?:at|with)) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s} no longer works at {o}", ends=True),
    _rule("work.lost", "fired laid", "^i(?:'ve)? (?:got|was|been) (?:just )?(?:fired|laid off) (?:from|by) (?P<o>.+)",
          "employer", "works_at", "attribute", "{s} no longer works at {o}", ends=True, unless="my job|work"),
    _rule("study.study", "study studying", "^(?:i|we|i'm|i am|im) (?:currently |also )?study(?:ing)? (?P<o>.+)",
          "subject", "studies", "attribute", "{s}{n} studies {o}"),
    _rule("study.major", "major majoring degree masters master phd",
          f"^(?:i'm|i am|im|i) {_OFTEN}(?:majoring in|major in|(?:doing|getting|pursuing|working on) (?:a|my) (?:\\w+ )?(?:degree|phd|masters|master's|bachelor's) in) (?P<o>.+)",
          "subject", "studies", "attribute", "{s}{n} studies {o}"),
    _rule("study.my_major", "major", "^my major is (?P<o>.+)", "subject", "studies", "attribute", "{s} studies {o}"),
    _rule("study.at", "study studying", "^(?:i|we|i'm|i am|im) (?:currently |also )?study(?:ing)? (?:[\\w& ]{2,40}? )?at (?P<o>.+)",
          "school", "studies_at", "attribute", "{s}{n} studies at {o}"),
    _rule("study.student", "student", f"{_AM}an? (?:[\\w-]+ ){{0,4}}student at (?P<o>.+)", "school", "studies_at", "attribute", "{s} is{n} a student at {o}"),
)  # fmt: skip

_TASTE = (
    _rule("likes", "like love enjoy adore", f"{_I}(?:like|love|enjoy|adore) (?!to |for )(?P<o>.+)",
          "things", "likes", "preference", "{s}{n} likes {o}"),
    _rule("likes.to", "like love", f"{_I}(?:like|love) to (?P<o>.+)", "doing", "likes", "preference", "{s}{n} likes {o}"),
    _rule("likes.fan", "fan into fond crazy passionate obsessed keen",
          f"{_AM}(?:an? )?(?:(?:big|huge|massive|real|great|die-hard|avid) ){{0,2}}(?:fan of|into|fond of|crazy about|passionate about|obsessed with|keen on) (?P<o>.+)",
          "things", "likes", "preference", "{s}{n} likes {o}"),
    _rule("likes.hobby", "hobby hobbies", "^(?:my|our) (?:\\w+ )?hobb(?:y is|ies are|ies include|ies:|y:) (?P<o>.+)",
          "things", "likes", "preference", "{s} likes {o}"),
    _rule("dislikes", "hate dislike detest despise loathe stand bear",
          f"{_I}(?:hate|dislike|detest|despise|loathe|can't stand|cannot stand|cant stand|can't bear) (?!to |for )(?P<o>.+)",
          "things", "dislikes", "preference", "{s}{n} dislikes {o}"),
    _rule("dislikes.not", "like enjoy", "^(?:i|we) (?:really )?(?:don't|do not|dont) (?:really |particularly |even )?(?:like|enjoy) (?!to |for )(?P<o>.+)",
          "things", "dislikes", "preference", "{s} does not like {o}"),
    _rule("dislikes.fan", "fan into", "^(?:i'm|i am|im|we're) (?:really )?not (?:really )?(?:an? )?(?:big |huge |much of an? )?(?:fan of|into) (?P<o>.+)",
          "things", "dislikes", "preference", "{s} does not like {o}"),
    _rule("prefers", "prefer", f"{_I}prefer (?!to )(?P<o>.+?)(?: (?:to|over|rather than|instead of) .+)?$",
          "thing", "prefers", "preference", "{s}{n} prefers {o}"),
    _rule("prefers.to", "prefer", f"{_I}prefer to (?P<o>.+?)(?: (?:rather than|instead of) .+)?$",
          "doing", "prefers", "preference", "{s}{n} prefers {o}"),
    _rule("favorite.is", "favorite favourite",
          "^(?:my|our) (?:all[- ]time )?favou?rite (?P<fav>[\\w' -]{2,40}?)(?:'s| is| are| has always been| has to be| was always) (?P<o>.+)",
          "thing", "favorite", "preference", "{p} favorite {fav} is {o}", subject="{s}'s favorite {fav}"),
    _rule("favorite.of", "favorite favourite",
          "^(?P<o>[\\w' &-]{2,60}?) (?:is|are) (?:definitely |still )?my (?:all[- ]time |absolute )?favou?rite (?P<fav>\\w+(?: of \\w+)?)(?=$|[,.!;])",
          "thing", "favorite", "preference", "{p} favorite {fav} is {o}", subject="{s}'s favorite {fav}"),
)  # fmt: skip

_HABITS = (
    _rule("drinks", "drink", f"{_I}drink (?P<o>.+)", "things", "drinks", "attribute", "{s}{n} drinks {o}"),
    _rule("eats", "eat", f"{_I}eat (?P<o>.+)", "things", "eats", "attribute", "{s}{n} eats {o}"),
    _rule("plays", "play", f"{_I}(?:can )?play (?P<o>.+)", "played", "plays", "attribute", "{s}{n} plays {o}"),
    _rule("plays.started", "playing", f"{_HAVE}(?:started|been|took up) playing (?P<o>.+)", "played", "plays", "attribute", "{s} plays {o}"),
    _rule("learns", "learning learn", f"(?:{_AM}(?:learning|teaching myself)|^i learn) (?!to |how |about |that |from )(?P<o>.+)", "things", "learns", "attribute", "{s}{n} is learning {o}"),
    _rule("learns.started", "learning", f"{_HAVE}(?:started|been) learning (?!to |how |about |that )(?P<o>.+)", "things", "learns", "attribute", "{s} is learning {o}"),
    _rule("uses", "use", f"{_I}use (?P<o>.+)", "tool", "uses", "attribute", "{s}{n} uses {o}"),
    _rule("drives", "drive", f"{_I}drive (?P<o>an? .+)", "owned", "drives", "possession", "{s}{n} drives {o}"),
    _rule("does", "do", "^(?:i|we) (?:also |still |usually |often |now |really )?do (?P<o>.+)", "activity", "does", "attribute", "{s}{n} does {o}"),
    _rule("does.go", "go", "^(?:i|we) (?:also |still |usually |often |always |regularly )?go (?P<o>[a-z]+ing\\b.*)", "activity", "does", "attribute", "{s}{n} goes {o}"),
    _rule("does.smoke", "smoke vape", f"{_I}(?P<o>smoke|vape)(?= ?$| (?:a lot|cigarettes|every|sometimes|occasionally)|[,.;])",
          "doing", "does", "attribute", "{s} is{n} {o}"),
    _rule("goes_to", "go", f"{_I}go to (?P<o>.+)", "frequented", "goes_to", "attribute", "{s}{n} goes to {o}"),
)  # fmt: skip

_OWN = (
    _rule("has", "have own got bought adopted rescued purchased keep",
          f"{_HAVE}(?:have|own|got|bought|adopted|rescued|purchased) (?P<o>.+)", "owned", "has", "possession", "{s}{n} has {o}"),
    _rule("has.kin", "have got", f"{_HAVE}(?:have|got) (?P<o>.+)", "kin", "has_relative", "relationship", "{s}{n} has {o}"),
    _rule("has.sold", "sold gave", f"{_HAVE}(?:sold|gave away) (?P<o>.+)", "owned", "has", "possession", "{s} no longer has {o}", ends=True),
    _rule("pet.named", "named called have got adopted",
          f"{_HAVE}(?:have|own|got|adopted|rescued) (?:an? |two |three |four |my |the |our |\\d )?(?:[\\w-]+ ){{0,4}}?(?P<rel>{_RELS}s?|puppies|mice|children)"
          "(?: named| called|,| whose names? (?:is|are)|:| and (?:his|her|its) name is) (?P<o>.+)",
          "names", "named", "relationship", "{p} {rel} is named {o}", subject="{s}'s {rel}"),
    _rule("named.is", "name names called named s",
          f"{_WHOSE}(?P<rel>{_RELS}s?|puppies|mice|children)(?:'s name is|'s name's| name is|'?s?'? names are| is called| are called| is named| are named|'s called|'s named) (?P<o>.+)",
          "names", "named", "relationship", "{p} {rel} is named {o}", subject="{s}'s {rel}", confidence=0.95),
    _rule("named.by", "my our",
          f"\\b(?:my|our) (?:[\\w-]+ ){{0,2}}?(?P<rel>{_RELS}s?|puppies|children)(?: named| called)? (?P<o>{NAME}(?:(?:, | and |, and ){NAME})*)",
          "names", "named", "relationship", "{p} {rel} is named {o}", subject="{s}'s {rel}", confidence=0.85),
    _rule("named.comma", "my our", f"\\b(?:my|our) (?:[\\w-]+ ){{0,1}}?(?P<rel>{w.either(w.KIN | w.PETS)}), (?P<o>{NAME})(?=,)",
          "names", "named", "relationship", "{p} {rel} is named {o}", subject="{s}'s {rel}", confidence=0.8),
    _rule("named.plain", "is", f"{_WHOSE}(?P<rel>{_RELS}) is (?P<o>{NAME}.*)",
          "strictly_named", "named", "relationship", "{p} {rel} is {o}", subject="{s}'s {rel}", confidence=0.8),
    _rule("partner", "married engaged", f"{_AM}(?:married|engaged) to (?P<o>.+)", "beloved", "partner", "relationship", "{s} is{n} with {o}"),
    _rule("partner.dating", "dating", f"{_AM}dating (?P<o>.+)", "beloved", "partner", "relationship", "{s} is{n} dating {o}"),
    _rule("partner.been", "dating married", f"{_BEEN}been (?:dating|married to|engaged to) (?P<o>.+)", "beloved", "partner", "relationship", "{s} is with {o}"),
    _rule("partner.date", "date", f"{_I}date (?P<o>.+)", "beloved", "partner", "relationship", "{s}{n} dates {o}"),
    _rule("partner.broke", "broke", f"{_HAVE}broke up with (?P<o>.+)", "beloved", "partner", "relationship", "{s} is no longer with {o}", ends=True),
)  # fmt: skip


def _theirs(id: str, cues: str, verb: str, kind: str, predicate: str, category: str, text: str) -> Rule:
    """What is said of somebody of the speaker's: "my sister Anna lives in ..."."""
    return _rule(f"their.{id}", cues, f"{_SOMEONE}{verb}(?P<o>.+)", kind, predicate, category,
                 f"{{p}} {{rel}}{{who}}{text}", subject="{s}'s {rel}{who}", confidence=0.85)  # fmt: skip


_OTHERS = (
    _theirs("home", "lives", " (?:still |now |currently )?lives in ", "home", "lives_in", "relationship", "{n} lives in {o}"),
    _theirs("moved", "moved", " (?:just |recently )?moved to ", "place", "lives_in", "relationship", " moved to {o}"),
    _theirs("work", "works", " (?:still |now |currently )?works (?:at|for) ", "employer", "works_at", "relationship", "{n} works at {o}"),
    _theirs("works_as", "works", " (?:still |now |currently )?works as ", "job", "works_as", "relationship", "{n} works as {o}"),
    _theirs("job", "is", " is (?:currently |now |also )?(?=an? )", "job", "works_as", "relationship", " is{n} {o}"),
    _theirs("likes", "likes loves enjoys", " (?:really |absolutely |also )?(?:likes|loves|enjoys) (?!to |it|that|this|me|him|her)", "things", "likes", "relationship", "{n} likes {o}"),
    _theirs("hates", "hates dislikes", " (?:really |absolutely )?(?:hates|dislikes) (?!to |it|that|this|me|him|her)", "things", "dislikes", "relationship", "{n} dislikes {o}"),
    _theirs("allergy", "allergic", " is (?:severely |very |also )?allergic to ", "things", "allergic_to", "relationship", " is{n} allergic to {o}"),
    _theirs("trait", "is", " is (?:also )?", "trait", "is", "relationship", " is{n} {o}"),
    _theirs("age", "is turned", " (?:is|just turned|turned) (?=\\d)", "age", "age", "relationship", " is {o} years old"),
    _theirs("birthday", "birthday", "'s birthday(?:'s| is)(?: on)? ", "date", "birthday", "event", "'s birthday is {o}"),
    _theirs("plays", "plays", " plays ", "played", "plays", "relationship", "{n} plays {o}"),
)

_PLANS = (
    _rule("plan.to", "plan plans planning intend", "^(?:(?:i|we) (?:also |still |do )?(?:plan|intend) to|(?:i'm|i am|im|we're|we are) (?:also |still |currently |already )?(?:planning|intending) to) (?P<o>.+)",
          "act", "plans", "plan", "{s}{n} plans to {o}"),
    _rule("plan.on", "planning plan", "^(?:(?:i|we) plan|(?:i'm|i am|im|we're|we are) (?:also |still )?planning) on (?P<o>.+)",
          "doing_act", "plans", "plan", "{s}{n} plans to {o}"),
    _rule("plan.trip", "planning", "^(?:i'm|i am|im|we're|we are) (?:also |still |currently |already )?planning (?!to |on )(?P<o>.+)",
          "trip", "plans", "plan", "{s} is{n} planning {o}"),
    _rule("plan.going", "going gonna", "^(?:i'm|i am|im|we're|we are) (?:also |still |definitely |finally )?(?:going to|gonna) (?P<o>.+)",
          "dated_act", "plans", "plan", "{s} plans to {o}", confidence=0.85),
    _rule("plan.journey", "going", "^(?:i'm|i am|im|we're|we are) (?:also |finally )?going to (?P<o>.+)",
          "journey", "plans", "plan", "{s} plans to {o}", confidence=0.85),
    _rule("plan.will", "ll will", "^(?:i'll|i will|we'll|we will) (?P<o>.+)", "dated_act", "plans", "plan", "{s} plans to {o}", confidence=0.8),
    _rule("plan.goal", "goal dream plan", "^(?:my|our) (?:\\w+ )?(?:goal|dream|plan) (?:for \\w+ \\w+ )?is to (?P<o>.+)", "act", "plans", "plan", "{s} plans to {o}"),
    _rule("want.to", "want hope aim", f"{_I}(?:want|hope|aim) to (?P<o>.+)", "wish", "wants", "plan", "{s}{n} wants to {o}", confidence=0.85),
    _rule("decided", "decided", f"{_HAVE}decided (?P<o>.+)", "decision", "decided", "plan", "{s} decided {o}"),
    _rule("due.have", "have got", "^(?:i|we)(?:'ve| have)? (?:also |just )?(?:have|got) (?P<o>(?:an?|my|the|our) .+)", "due", "appointment", "event", "{s} has {o}"),
    _rule("due.my", "is s", "^(?:my|our) (?P<o>.+)", "due", "appointment", "event", "{s} has: {o}", confidence=0.85),
)  # fmt: skip

_RULES = (
    _rule("avoid.never", "eat drink", "^(?:i|we) (?:really |also )?(?:never|don't|do not|dont|can't|cannot|cant|won't) (?:ever |really )?(?P<verb>eat|drink) (?P<o>.+)",
          "things", "avoids", "rule", "{s} does not {verb} {o}"),
    _rule("avoid", "avoid", f"{_I}avoid (?P<o>.+)", "things", "avoids", "rule", "{s}{n} avoids {o}"),
    _rule("never", "never", "^i never (?P<o>.+)", "own_rule", "never", "rule", "{s} never {o}"),
    _rule("allergy", "allergic", f"{_AM}(?:severely |deathly |highly |quite |mildly )?allergic to (?P<o>.+)",
          "things", "allergic_to", "rule", "{s} is{n} allergic to {o}", confidence=0.97),
    _rule("allergy.have", "allergy", "^i(?:'ve)? (?:have|got) an? (?:severe |mild |bad |serious )?(?P<o>[\\w-]+(?: [\\w-]+)?) allergy", "things", "allergic_to", "rule", "{s} is{n} allergic to {o}"),
    _rule("order.from_now", "now future forward", "^(?:from now on|going forward|in (?:the )?future),? (?P<o>.+)", "order", "asks_to", "rule", "{s} asks to {o}"),
    _rule("order.always", "always never", "^(?P<o>(?:always|never) .+)", "order", "asks_to", "rule", "{s} asks to {o}", confidence=0.85),
)  # fmt: skip

RULES = (*_SELF, *_HOME, *_WORK, *_TASTE, *_HABITS, *_OWN, *_OTHERS, *_PLANS, *_RULES)
NOTE = _rule("note", "", "^(?P<o>.+)", "noted", "note", "fact", "{s} asks to remember that {o}", confidence=0.9)
