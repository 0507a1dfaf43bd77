# ruff: noqa: E501 (a pattern is read in one piece)
"""Rules for what lasts of a person: health, faith, skills, groups, work by its kind, habits; and deeds."""

from __future__ import annotations

from memori_wrap.augment.extract.english.rule import AM, BEEN, HAVE, I_DO, OFTEN, rule

_WHEN = (
    r"(?:(?:yesterday|today|last (?:night|week|month|year|summer|winter|spring|autumn|fall|weekend|\w+day)|this morning|"
    r"on \w+day|finally|just|recently)(?:,)? )?"
)
_DID = f"^{_WHEN}(?:(?:i|we)(?:'ve| have)? )?(?:(?:just|finally|recently|already|also|only) ){{0,2}}"
_TEACH = "teach teaches taught"

_HEALTH = (
    rule("condition.pregnant", "pregnant", f"{AM}\\w+ (?:months?|weeks?) (?:along and )?(?P<o>pregnant)\\b", "whole",
         "condition", "attribute", "{s} is{n} {o}"),
    rule("condition.have", "have got suffer live diagnosed ve",
         f"^(?:i|we)(?:'ve| have|ve)? {OFTEN}(?:have|got|had|suffer from|live with|been diagnosed with|was diagnosed "
         "with|got diagnosed with) (?P<o>.+)", "illness", "condition", "attribute", "{s}{n} has {o}",
         unless="^(?:i|we) had\\b"),
    rule("condition.diagnosed", "diagnosed", "^(?:i|we)(?:'ve been|'m| was| am| got| have been)? (?:just |recently )?"
         "diagnosed with (?P<o>.+)", "things", "condition", "attribute", "{s} was diagnosed with {o}"),
    rule("condition.intolerant", "intolerant", f"{AM}(?:very )?intolerant (?:to|of) (?P<o>.+)", "intolerance",
         "condition", "attribute", "{s} is{n} {o}"),
    rule("condition.eyes", "eyesight vision", "^my (?:eyesight|vision) is (?P<o>.+)", "thing", "condition", "attribute",
         "{p} eyesight is {o}"),
    rule("takes", "on", f"{AM}on (?P<o>.+)", "medicine", "takes", "attribute", "{s} is{n} on {o}"),
    rule("takes.take", "take taking", "^(?:i|i'm|i am) (?:also |still |now |currently )?tak(?:e|ing) (?P<o>.+)",
         "medicine", "takes", "attribute", "{s}{n} takes {o}"),
    rule("is.on_diet", "diet", f"{AM}(?:on|following) (?:an? )?(?P<o>(?!an? |the |my |this |new |strict diet)(?:strict )?[\\w-]+(?: [\\w-]+)? diet)\\b",
         "thing", "is", "attribute", "{s} is{n} on a {o}"),
    rule("avoid.cannot", "eat drink have tolerate", "^(?:i|we) (?:can't|cannot|cant) (?:have|tolerate|digest) (?P<o>.+)",
         "food", "avoids", "rule", "{s} cannot have {o}"),
    rule("body.tall", "m am im", f"{AM}(?P<o>\\d.+)", "body", "body", "attribute", "{s} is {o}"),
    rule("body.weigh", "weigh", f"{I_DO}weigh (?:about |around )?(?P<o>\\d.+)", "body", "body", "attribute",
         "{s} weighs {o}"),
    rule("body.size", "size", "^(?:i (?:wear|take)(?: a)? |my (?:shoe |ring |dress |shirt )?size is )"
         "(?P<o>(?:shoe )?(?:size )?(?:\\d{1,2}(?:[.]5)?|x{0,3}[sl]|medium|small|large)\\b)", "whole", "body",
         "attribute", "{s} wears size {o}"),
    rule("fears", "terrified afraid scared frightened petrified",
         f"{AM}(?:(?:a bit|deathly|dead|absolutely|very) )?(?:terrified|afraid|scared|frightened|petrified) of (?P<o>.+)",
         "things", "fears", "attribute", "{s} is{n} afraid of {o}", unless="^i'm afraid (?:i|that)"),
    rule("fears.phobia", "fear phobia", "^i(?:'ve got| have) (?:an? )?(?:\\w+ )?(?:fear|phobia) of (?P<o>.+)", "things",
         "fears", "attribute", "{s} is afraid of {o}"),
    rule("religion", "m am im re", f"{AM}(?P<o>(?:an? )?(?-i:[A-Za-z]).*)", "faith", "religion", "attribute",
         "{s} is{n} {o}"),
    rule("religion.observe", "observe keep celebrate", f"{I_DO}(?:observe|keep|celebrate) (?P<o>.+)", "observed",
         "religion", "attribute", "{s}{n} observes {o}"),
    rule("sober", "sober clean", f"{BEEN}been (?P<o>sober)\\b", "thing", "does", "attribute", "{s} is {o}"),
)  # fmt: skip

_ABLE = (
    rule("can", "can know able", "^(?:i|we) (?:can|know how to|am able to) (?:also |even |still )?(?P<o>.+)", "skill",
         "can", "attribute", "{s} can {o}"),
    rule("cannot", "t cannot never know", "^(?:i|we) (?:still |really )?(?:can't|cannot|cant|never learned (?:how )?to|"
         "never learnt (?:how )?to|don't know how to) (?:even |really |still )?(?P<o>.+)", "skill", "cannot",
         "attribute", "{s} cannot {o}"),
    rule("can.does", "skate surf ski sew knit crochet sing paint draw dance climb sail swim",
         f"{I_DO}(?P<o>(?:skate|surf|ski|sew|knit|crochet|sing|paint|draw|dance|climb|sail|swim)\\b.*)", "skill", "can",
         "attribute", "{s} can {o}"),
    rule("speaks.my", "fluent native rusty decent good conversational", "^my (?P<o>\\w+) is (?:fluent|native|rusty|decent|"
         "pretty good|good|conversational|ok|okay)\\b", "languages", "speaks", "attribute", "{s} speaks {o}"),
    rule("speaks.any", "speak", f"{I_DO}(?:can )?speak (?P<o>.+)", "tongues", "speaks", "attribute", "{s}{n} speaks {o}"),
    rule("member.in", "in for with", f"^(?:i|we|i'm|i am|we're) {OFTEN}(?:play|sing|row|dance|run|perform|bowl|playing|"
         "singing|volunteer|am|are)?(?: [\\w-]+){{0,3}}? ?(?:in|for|with|on) (?P<o>(?:an?|the|our|my) .+)", "group", "member_of", "attribute", "{s} is{n} in {o}"),
    rule("member.of", "member treasurer captain chair secretary president conductor", f"{AM}(?:an? |the )?(?:\\w+ )?(?:member|treasurer|captain|"
         "chair|secretary|president|conductor) of (?P<o>.+)", "group", "member_of", "attribute", "{s} is{n} a member of {o}"),
    rule("member.joined", "joined", f"{HAVE}joined (?P<o>(?:an?|the|our|my) .+)", "group", "member_of", "attribute",
         "{s} joined {o}"),
    rule("plays.part", "sing play", f"{I_DO}(?P<o>(?:sing|play) (?:alto|soprano|tenor|bass|baritone|goalkeeper|striker|midfield|"
         "defence|defense|lead guitar|first violin|second violin))\\b", "whole", "plays", "attribute", "{s} does {o}"),
)  # fmt: skip

_WORK = (
    rule("work.teach", _TEACH, f"{I_DO}teach (?P<o>.+)", "taught", "works_as", "attribute", "{s} works as a teacher: {o}"),
    rule("work.run", "run own manage", f"{I_DO}(?:run|own|manage) (?P<o>(?:an?|my own|the|our own) .+)", "business",
         "works_as", "attribute", "{s} works by {o}"),
    rule("work.farm", "farm", "^(?:i|we) (?P<o>farm \\w+)", "whole", "works_as", "attribute", "{s}: {o}"),
    rule("work.agent", "m am im", f"{AM}(?P<o>(?:an?|the|head|director|chief) .+)", "occupation", "works_as", "attribute",
         "{s} is{n} {o}"),
    rule("work.promoted", "promoted", "^(?:i|we)(?:'ve)? (?:just |recently )?(?:got|was|been|were) promoted to (?P<o>.+)",
         "title", "works_as", "attribute", "{s} became {o}"),
    rule("work.between", "jobs", f"{AM}(?P<o>between jobs|out of work|looking for work)\\b", "whole", "works_as",
         "attribute", "{s} is {o}"),
    rule("work.started_at", "started start", "^(?:i|we) (?:just |recently )?start(?:ed)? (?:work )?at (?P<o>(?:the )?(?-i:[A-Z]).+)",
         "employer", "works_at", "attribute", "{s} works at {o}"),
    rule("work.freelance", "freelance", f"{I_DO}freelance for (?P<o>.+)", "employer", "works_at", "attribute",
         "{s} freelances for {o}"),
    rule("work.with", "with", f"{AM}with (?P<o>(?:the )?[\\w' -]+?(?: (?:company|firm|bank|agency|police|council|brigade|ministry|university|hospital))) now",
         "employer", "works_at", "attribute", "{s} works at {o}"),
    rule("work.retire", "retire", "^(?:i|we) (?P<o>retire (?:in|next|on|this) .+)", "whole", "plans", "plan", "{s} plans to {o}"),
    rule("knows.report", "report", f"{I_DO}report to (?P<o>.+)", "person", "named", "relationship",
         "{p} superior is {o}", subject="{s}'s boss"),
    rule("studied", "apprenticeship degree graduated studied majored",
         "^(?:i|we) (?:did|have|got|hold) (?:an?|my) (?:\\w+ )?(?:apprenticeship|degree|phd|master's|bachelor's|doctorate)"
         " (?:as|in) (?P<o>.+)", "title", "studied", "attribute", "{s} studied {o}"),
    rule("studied.past", "studied majored graduated", "^(?:i|we) (?:studied|majored in|graduated in) (?P<o>.+)", "subject",
         "studied", "attribute", "{s} studied {o}"),
    rule("learns.training", "training", f"{AM}training (?:for|as|to be|to become) (?:an? |my |the )?(?P<o>.+)", "thing",
         "learns", "attribute", "{s} is{n} training for {o}"),
    rule("learns.classes", "classes lessons course", f"{HAVE}(?:started|begun|taking|signed up for|take) (?:an? |some |my )?(?P<o>(?!an? |my |the |some |new )[\\w-]+(?: [\\w-]+)?) "
         "(?:classes|lessons|course)\\b", "thing", "learns", "attribute", "{s} is learning {o}"),
)  # fmt: skip

_DOES = (
    rule("due.baby", "expecting", f"{AM}expecting (?P<o>(?:an?|our|my) .+)", "expected", "appointment", "event",
         "{s} expects {o}"),
    rule("named.born", "had", "^(?:i|we) (?:just |recently |finally )?had (?:twins|(?:an?|our|my) (?:\\w+ )?(?:baby|boy|girl|son|daughter|child))"
         "(?: named| called|,) (?P<o>.+)", "names", "named", "relationship", "{p} child is named {o}", subject="{s}'s child"),
    rule("has.died", "passed died put", "^(?:my|our) (?P<o>[\\w-]+(?: (?-i:[A-Z])\\w+)?) (?:has |sadly )?(?:passed away|died|had to be put down|was put down)",
         "late_pet", "has", "possession", "{s} no longer has {o}", ends=True),
    rule("favorite.only", "only", "^(?P<o>[\\w ]{3,40}) (?:is|are) the only (?P<fav>[\\w ]{3,30}) i (?:eat|drink|like|use|read|watch|play|wear)$",
         "thing", "favorite", "preference", "{p} favorite {fav} is {o}", subject="{s}'s favorite {fav}"),
    rule("order.when_asked", "want", "^i want (?P<o>.+)", "whole", "asks_to", "rule", "{s} asks for {o}",
         after=r"^(?:please,? )?(?:whenever|every time|each time|any time|anytime) i (?:ask|send|write|say|share|paste)\b[^.!?]*$"),
    rule("habit", "every each daily weekly nightly a on in", f"{I_DO}(?P<o>.+)", "habit", "does", "attribute", "{s} does this: {o}"),
    rule("goes.regular", "go", f"{I_DO}go to (?P<o>(?:the|a|my|our) [\\w -]+?) on (?:\\w+days)", "whole", "goes_to",
         "attribute", "{s} goes to {o}"),
    rule("did", "passed finished completed ran won graduated signed broke visited climbed published submitted defended "
         "attended celebrated cycled hiked swam failed lost proposed renovated planted built crossed flew released "
         "launched recorded organized organised hosted", f"{_DID}(?P<o>(?:passed|finished|completed|ran|won|graduated|"
         "signed|broke|visited|climbed|published|submitted|defended|attended|celebrated|cycled|hiked|swam|failed|lost|"
         "proposed|renovated|planted|built|crossed|flew|released|launched|recorded|organized|organised|hosted)\\b.+)",
         "deed", "did", "event", "{s}: {o}"),
    rule("did.status", "engaged married divorced promoted graduated",
         f"{_DID}(?:got|was|been|gotten) (?P<o>engaged|married|divorced|promoted|certified|naturalised|naturalized)\\b", "whole", "did",
         "event", "{s} got {o}", unless="promoted to|engaged in|certified in this"),
    rule("did.removed", "out removed", f"{_DID}(?:had|got) (?P<o>my [\\w -]{{3,30}} (?:out|removed|replaced|fixed|taken out))\\b",
         "whole", "did", "event", "{s} had {o}"),
    rule("has.adopted", "adopted bought got rescued", f"{_DID}(?:adopted|rescued|bought|purchased) (?P<o>.+)", "owned", "has",
         "possession", "{s} has {o}"),
    rule("moved", "moved relocated", f"{_DID}(?:moved|relocated) to (?P<o>.+)", "place", "lives_in", "attribute", "{s} moved to {o}",
         unless="when i was|as a (?:kid|child)"),
    rule("has.no_more", "any anymore sold", f"^(?:{_WHEN})sold (?P<o>(?:my|our|the) .+)", "owned", "has", "possession",
         "{s} no longer has {o}", ends=True),
    rule("has.my_device", "phone laptop car bike computer s is", "^(?:my|our) (?:phone|laptop|car|bike|computer|tablet|camera|"
         "guitar|van|truck|scooter|watch|console)(?:'s| is) an? (?P<o>(?-i:[A-Z0-9]).+)", "thing", "has", "possession", "{s} has {o}"),
    rule("drives.named", "drive", f"{I_DO}drive (?P<o>(?:an?|my) (?:[\\w'-]+ ){{0,4}}(?-i:[A-Z])[\\w-]+)", "whole", "drives",
         "possession", "{s}{n} drives {o}"),
    rule("has.left_me", "left", "left me (?:his|her|their) (?P<o>.+)", "owned", "has", "possession", "{s} has {o}"),
    rule("lacks", "have own", "^(?:i|we) (?:really )?(?:don't|do not|dont) (?:have|own) (?P<o>.+)", "negated_thing", "lacks",
         "attribute", "{s} does not have {o}", unless="any ?more|any longer"),
    rule("uses.ing", "using", f"{AM}using (?P<o>.+)", "tool", "uses", "attribute", "{s}{n} uses {o}",
         unless="for this|for it|right now|to try|to test"),
    rule("uses.for", "use", "^for (?:all )?my [\\w ]+,? i use (?P<o>.+)", "tool", "uses", "attribute", "{s} uses {o}"),
    rule("pronouns.use", "pronouns", "^(?:i use|my pronouns are|i go by) (?P<o>\\w+/\\w+)(?: pronouns)?", "pronouns", "pronouns", "attribute",
         "{p} pronouns are {o}", unless="^my|^i go"),
    rule("birthday.share", "birthday", "(?:i|we) share a birthday,? (?:on )?(?P<o>.+)", "date", "birthday", "event", "{p} birthday is {o}"),
    rule("contact.new", "number email phone address mail", "^(?:my )?(?:new )?(?:phone|mobile|cell)(?: number)?: ?(?P<o>\\+?\\d.+)", "phone", "phone",
         "attribute", "{p} phone number is {o}"),
    rule("contact.at", "email mail", "^(?:e-?mail|write|mail) (?:to )?me at (?:the new one, )?(?P<o>.+)", "email", "email", "attribute",
         "{p} e-mail address is {o}"),
    rule("signed_up", "signed registered enrolled", f"{HAVE}(?:signed up|registered|enrolled) (?:for|in) (?P<o>.+)", "thing", "plans", "plan",
         "{s} signed up for {o}"),
    rule("wish.would", "love", "^i'd (?:really )?love to (?P<o>(?:visit|learn|see|live in|travel to|move to) .+)", "act", "wants", "plan",
         "{s} would like to {o}"),
    rule("plan.trip_to", "ll will", "^(?:i'll|i will|we'll|we will) be in (?P<o>(?-i:[A-Z])\\w+(?: [A-Z]\\w+)? (?:from|until|for|next|on|in) .+)", "whole",
         "plans", "plan", "{s} will be in {o}"),
)  # fmt: skip

_TASTE = (
    rule("favorite.goto", "go comfort usual", "^my (?:go-to|comfort|usual|absolute favou?rite) (?P<fav>\\w+) is (?P<o>.+)", "thing", "favorite",
         "preference", "{p} favorite {fav} is {o}", subject="{s}'s favorite {fav}"),
    rule("dislikes.peeve", "peeve", "^my (?:biggest |main |greatest )?pet peeve is (?P<o>.+)", "peeve", "dislikes", "preference", "{s} dislikes {o}"),
    rule("dislikes.never", "never", "^i(?:'ve)? never (?:liked|enjoyed) (?P<o>.+)", "things", "dislikes", "preference", "{s} does not like {o}"),
    rule("likes.gone_off", "off", "^i(?:'ve| have) gone off (?P<o>[\\w ]+?)(?: completely| entirely)?$", "things", "likes", "preference",
         "{s} no longer likes {o}", ends=True),
    rule("likes.supporter", "supporter fan", f"{AM}(?:an? )?(?:big |lifelong |huge )?(?P<o>[\\w ]+?) (?:supporter|fan)\\b", "supported", "likes", "preference",
         "{s} supports {o}"),
    rule("prefers.over", "over", "^(?P<o>[\\w ]{3,30}) over [\\w ]{3,30}, (?:any day|every time|always)", "thing", "prefers", "preference",
         "{s} prefers {o}"),
    rule("order.rule", "rule", "^(?:new )?rule for (?:this|our|the) (?:chat|chats|conversation)s?: (?P<o>.+)", "whole", "asks_to", "rule", "{s} asks: {o}"),
    rule("order.stop", "don t not stop", "^(?:please )?(?P<o>(?:don't|do not|stop) (?:ever )?(?:use|call|send|suggest|recommend|mention|give|"
         "add|write|address|answer|remind|include|put|end|start)(?:l?ing)? .+)", "whole", "asks_to", "rule", "{s} asks: {o}",
         unless="^(?:please )?(?!.*\\b(?:ever|again|any ?more|from now on|in future|calling me|call me)\\b)"),
    rule("order.address", "address", "^(?:please )?(?:always )?(?P<o>address me (?:as|by|with) .+)", "whole", "asks_to", "rule", "{s} asks: {o}"),
    rule("order.answers", "keep answers replies", "^(?P<o>keep (?:your|all|the) (?:answers|replies|responses|messages)\\b.+)", "whole", "asks_to", "rule",
         "{s} asks to {o}"),
    rule("order.any", "always never", "^(?:please )?(?P<o>(?:always|never) (?!mind|ever\\b|again\\b)[a-z-]+ .*\\b(?:me|my|you|your)\\b.*)", "whole", "asks_to", "rule",
         "{s} asks: {o}", unless=r"^(?:always|never) (?:is|was|has|had|will|would|been|knew|thought|wanted|liked|answer|reply|respond|write|speak|talk|call me|address me|use|format|explain|recommend|show me|give me)\b"),
    rule("order.like_you", "like want need", "^i(?:'d like| want| would like| need) you to (?P<o>(?=.*\\b(?:everything|always|never|every|all|from now on)\\b)"
         "(?:always |never )?(?:use|write|answer|reply|speak|call|address|be|include|keep|avoid) .+)", "whole", "asks_to", "rule", "{s} asks to {o}"),
    rule("order.remember", "remember", "^(?:please )?remember to (?P<o>(?:always )?(?:ask|use|write|answer|include|add|check|keep) .+)", "whole", "asks_to", "rule",
         "{s} asks to {o}"),
)  # fmt: skip

LASTING = (*_HEALTH, *_ABLE, *_WORK, *_DOES, *_TASTE)
