# ruff: noqa: E501 (a pattern is read in one piece)
"""``ENGLISH``: where statements begin, what makes them somebody else's or unreal, and the readers by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from memori_wrap.augment.extract.english import acts, habits, lasting, names, phrases, places
from memori_wrap.augment.extract.english.names import UPPER
from memori_wrap.augment.extract.english.rules_lasting import LASTING
from memori_wrap.augment.extract.english.rules_life import LIFE, NOTE
from memori_wrap.augment.extract.english.rules_person import PERSON
from memori_wrap.augment.extract.english.wording import ended
from memori_wrap.augment.extract.english.words import KIN, PETS, either, words
from memori_wrap.augment.extract.grammar import Grammar, Phrase, Reader

_BEGINS = (
    r"(?:i|i'm|i've|i'll|im|ive|my|we|we're|we've|we'll|our|call me|(?:please )?remember that|remember:|don't forget|"
    r"keep in mind|from now on|you can reach me|you can call me)\b"
)
_SHARED_VERBS = (
    r"(?:(?:also|now|currently|really) )?(?:live|work|study|like|love|hate|enjoy|prefer|have|own|play|drink|eat|speak|"
    r"use|drive|moved|am|can't stand|don't like|don't eat|no longer|stopped|never)\b"
)
_JOINED = (
    r"(?:and|but|so|because|cause|since|plus|also|though|although|while|then|now|currently|actually|yes|no|well|as)"
)

_SAY = (
    r"(?:said|says|say|saying|told|tells|tell|asked|asks|wrote|writes|think|thinks|thought|claim|claims|claimed|"
    r"believes|"
    r"heard|replied|mentioned|joked|lied|was like|were like|quote|reads|goes|according to|answered)"
)


def _verb(text: str) -> list[Phrase]:
    return [Phrase(text.lower(), text.lower())]


_OF_TEXT: Mapping[str, Callable[[str], list[Phrase]]] = {
    "act": acts.act, "activity": habits.activity, "address": places.address, "age": names.age,
    "begun": habits.begun, "beloved": names.beloved, "bought": habits.bought, "date": names.date,
    "dated_act": acts.dated_act, "doing": phrases.doing, "doing_act": acts.doing_act, "due": acts.due,
    "email": names.email, "employer": places.employer, "fav": phrases.favorite_of,
    "field_of_work": places.field_of_work, "job": places.job,
    "journey": acts.journey, "kin": habits.kin, "languages": habits.languages, "nickname": names.nickname,
    "noted": acts.noted, "order": acts.order, "own_name": names.own_name, "own_rule": acts.own_rule,
    "owned": habits.owned, "people": names.people, "phone": names.phone, "played": habits.played,
    "pronouns": names.pronouns, "rel": names.relation, "school": places.school, "subject": places.subject,
    "thing": phrases.thing, "things": phrases.things, "time_zone": names.time_zone, "tool": habits.tool,
    "trait": habits.trait, "removal": acts.removal, "trip": acts.trip, "verb": _verb, "wish": acts.wish,
    "allergens": lasting.allergens, "body": lasting.body, "business": lasting.business, "deed": lasting.deed, "expected": lasting.expected, "faith": lasting.faith,
    "food": lasting.food, "group": lasting.group, "habit": lasting.habit, "happened": lasting.happened, "illness": lasting.illness,
    "intolerance": lasting.intolerance, "medicine": lasting.medicine, "negated_thing": lasting.negated_thing,
    "observed": lasting.observed, "occupation": lasting.occupation, "peeve": lasting.peeve, "person": lasting.person,
    "late_pet": lasting.late_pet, "skill": lasting.skill, "supported": lasting.supported, "taught": lasting.taught, "title": lasting.title,
    "tongues": lasting.tongues, "whole": lasting.whole,
    "work": places.work, "decision": acts.decision, "name": names.name,
}  # fmt: skip


def _without_clause(read: Callable[[str], list[Phrase]]) -> Reader:
    return lambda text, _: read(text)


_READERS: Mapping[str, Reader] = {
    "frequented": habits.frequented, "greeted": names.greeted, "home": places.home, "names": names.names,
    "place": places.place,
    "strictly_named": names.strictly_named,
    "who": names.given_name,
    **{name: _without_clause(read) for name, read in _OF_TEXT.items()},
}  # fmt: skip

ENGLISH = Grammar(
    language="en",
    trigger=re.compile(
        r"^(?:just |finally |recently |yesterday )?(?:ran|adopted|sold|bought|passed|got|had|moved|relocated|finished|new|"
        r"started|joined|graduated|email|the (?:wife|husband))\b|(?:any day|every time|ever again|from now on)\b|^(?:keep your|rule for|address me|stop|please)\b|\b(?:i|im|ive|my|me|we|our|remember|note|keep in mind|forget|from now on|always|"
        r"never)\b", re.I),
    foreign=re.compile(
        r"^(?:(?:please|pls|hey|hi|hello|ok|okay|now|can you|could you|would you|will you|help me|i want you to|"
        r"i need you to|kindly)[,!]? ){0,3}(?:"
        r"(?:translate|proofread|proof-read|rewrite|rephrase|paraphrase|reword|summarize|summarise|transcribe|"
        r"role-?play|act as)\b|"
        r"(?:correct|fix|improve|edit|check|analyze|analyse|review|explain|classify|complete|continue|"
        r"grade) (?:the following|this|these|my "
        r"(?:text|sentence|grammar|essay|letter|paragraph|email|english))\b|"
        r"(?:write|create|generate|draft|compose|make|say|repeat|tell|give|convert|turn|finish|extract|"
        r"answer)\b[^.!?]{0,300}:)",
        re.I,
    ),
    fiction=re.compile(
        r"^(?:(?:please|now|ok|okay|so|let's|lets|just|hey|and)[,!]? ){0,3}(?:imagine|suppose|supposing|pretend|assume|"
        r"hypothetically|say i|say that i|let's say|lets say|picture this|you are|you're a|once upon)\b",
        re.I,
    ),
    question=re.compile(
        r"^(?:(?:and|but|so|hey|hi|hello|ok|okay|well|btw|also|then|just)[,!]? ){0,3}"
        r"(?:do|does|did|am|is|are|was|were|can|could|should|shall|would|has|what|what's|whats|where|who|whom|whose|"
        r"why|how|"
        r"which|isn't|aren't|won't|can't you|doesn't|didn't|wouldn't|(?:have|will|may|might|don't) (?:i|you|we|"
        r"they|my)|had (?:i|you|we|they)|"
        r"when (?:do|does|did|is|are|was|can|will|should)|guess (?:where|who))\b",
        re.I,
    ),
    turns_to_question=re.compile(
        r"(?:[,;:.!)]| [–—-]) (?:(?:and|so|but|also|then|please)[, ] ?){0,2}(?:(?:can|could|would|will) you|(?:can|"
        r"could|should) (?:i|we)|"
        r"what|what's|how|how's|where|which|who|why|when|any (?:tips|ideas|advice|suggestions)|do you (?:have|"
        r"know of|recommend)|"
        r"is there|are there|(?:does|do|did|is|are|will|would) (?:your|the|this|it|that|you|there))(?: [^\s?]+){2}",
        re.I,
    ),
    secret=re.compile(
        r"\b(?:passwords?|passcode|passphrase|pin (?:code|is|number)|cvv|ssn|social security|"
        r"api[ _-]?key|secret key|private key|credit card)\b", re.I),
    hypothetical=re.compile(
        r"\b(?:if|unless|wish|wished|imagine|suppose|supposing|pretend|pretending|whether|as though|would(?! (?:really )?(?:love to|like you to))|wouldn't|"
        r"would've|(?:i'd|we'd)(?! (?:really )?(?:love to|like you to))|"
        r"in (?:my|the|this|a|our) (?:novel|story|game|script|screenplay|poem|song|dream|fantasy|scene)|"
        r"hypothetically|assuming|oh great|yeah right|oh joy|oh sure|in case|lest|let's say|what if|not sure|don't think|doubt|not true|dreamt|dreamed)\b",
        re.I,
    ),
    doubts=words(
        """if unless wish wished imagine suppose supposing pretend pretending whether though would wouldn d novel story
        game script screenplay poem song dream fantasy scene hypothetically assuming case lest let what sure think doubt
        true dreamt dreamed oh yeah"""
    ),
    reports=words(
        """said says say saying told tells tell asked asks wrote writes think thinks thought claim claims claimed
        believes heard replied mentioned joked lied was were quote reads goes according answered"""
    ),
    boundary=re.compile(
        r"(?:(?<!remember)(?<!forget)(?<!note)(?<!mind)[,;:(]|[.!…]+(?= )| [–—-]+(?= )|—|–) ?"
        rf"(?:{_JOINED}[, ] ?){{0,3}}(?={_BEGINS})"
        rf"| (?:{_JOINED} ){{1,3}}(?={_BEGINS})"
        rf"|,? (?:and|but) (?P<bare>)(?={_SHARED_VERBS})"
        r"|,(?P<shared>)(?= (?:currently |now )?(?:living|working|based|studying) (?:in|at|as|for)\b)"
        r"|(?:[,;] |(?<=\w) )(?:and |but |so )?(?:he|she)(?P<theirs>)(?=(?:'s|(?: is| has| lives| works| loves| likes|"
        r" hates| plays| speaks| teaches| studies| doesn't| never| drives| turned))\b)",
        re.I,
    ),
    open=re.compile(
        r"\b(?:to [a-z]+|will|can|could|going|plan|want|must|should|let|help|who|which|that|'ll|used|"
        r"don't|not|never)\b", re.I),
    elided="I ",
    carried=re.compile(
        rf"(?:i|im|ive)\b|(?!.*\b(?:woman|man|guy|girl|boy|friend|someone|somebody|person)\b.)"
        rf"(?P<own>(?:my|our|the(?= (?:wife|husband))) (?:[\w-]+ )?{either(KIN | PETS)}(?:,? (?-i:{UPPER})[\w-]+)?)\b(?!')", re.I),
    reported_before=re.compile(rf"\b{_SAY}(?: (?:me|us|him|her|them|that|everyone|people|to \w+))*[ ,:;–—“-]*$", re.I),
    reported_after=re.compile(rf"[ ,;–—”-]*(?:(?:he|she|they|everyone|[A-Z]\w+|my \w+) {_SAY}\b|said |says )"),
    opener=re.compile(
        r"(?:(?:and|but|so|because|cause|cuz|since|plus|also|well|yes|yeah|yep|yup|no|nope|nah|oh|ah|aw|aww|wow|hi|"
        r"hey|hello|"
        r"ok|okay|actually|basically|honestly|anyways?|btw|by the way|fyi|before i forget|just so you know|just fyi|for the record|"
        r"in fact|"
        r"to be honest|tbh|now|currently|nowadays|these days|recently|lately|today|right now|as you know|personally|"
        r"sure|"
        r"thanks|thank you|great|cool|nice|good (?:morning|evening|afternoon)|sorry|lol|haha|hmm|um|uh|fun fact|"
        r"unfortunately|"
        r"luckily|sadly|happily|finally|first|secondly|then|still|though|in (?:19|20)\d\d|(?:last|this) (?:week|"
        r"month|year|"
        r"spring|summer|fall|autumn|winter)|a few (?:days|weeks|months|years) ago|yesterday|please|pls|there|"
        r"for context|"
        r"as a reminder|reminder|quick note|correction|update|one more thing|me too|me|true|right|exactly|same here|"
        r"guess what|"
        r"(?:about|a bit about) me|besides|apparently|of course|in general|usually|generally|mostly)(?:[ ,:;.!…–—-]+|"
        r"$))"
        r"|[ ,:;.!…–—*•-]+",
        re.I,
    ),
    note=re.compile(
        r"(?:please )?(?:also )?(?:remember|note|take note|keep in mind|bear in mind|don't forget|do not forget|"
        r"never forget)"
        r"(?: for (?:later|next time|the future|me))?(?:,? that (?!time|day|one|night|trip|year|summer|week|moment|"
        r"feeling)|: ?|, | (?=(?:my|our)\b[^,;]{1,60} (?:is|are)\b| (?=(?:i'm|i am) )))",
        re.I,
    ),
    ended=ended,
    subject="The user",
    possessive="{s}'s",
    no_longer=" no longer",
    readers=_READERS,
    rules=(*PERSON, *LIFE, *LASTING),
    note_rule=NOTE,
)  # fmt: skip
