# ruff: noqa: E501 (a pattern is read in one piece)
"""Rules for how somebody lives: taste, habits, plans, dates, rules of their own. See ``grammar.Rule``."""

from __future__ import annotations

from memori_wrap.augment.extract.english.rule import AM, HAVE, I_DO, rule

_TASTE = (
    rule("likes", "like love enjoy adore", f"{I_DO}(?:like|love|enjoy|adore) (?!to |for )(?P<o>.+)", "things", "likes",
          "preference", "{s}{n} likes {o}"),
    rule("likes.to", "like love", f"{I_DO}(?:like|love) to (?P<o>.+)", "doing", "likes", "preference",
          "{s}{n} likes {o}"),
    rule("likes.fan", "fan into fond crazy passionate obsessed keen",
          f"{AM}(?:an? )?(?:(?:big|huge|massive|real|great|die-hard|avid) ){{0,2}}(?:fan of|into|fond of|crazy "
          "about|passionate about|obsessed with|keen on) (?P<o>.+)", "things", "likes", "preference",
          "{s}{n} likes {o}"),
    rule("likes.hobby", "hobby hobbies", "^(?:my|our) (?:\\w+ )?hobb(?:y is|ies are|ies include|ies:|y:) (?P<o>.+)",
          "things", "likes", "preference", "{s} likes {o}"),
    rule("dislikes", "hate dislike detest despise loathe stand bear",
          f"{I_DO}(?:hate|dislike|detest|despise|loathe|can't stand|cannot stand|cant stand|can't bear) (?!to |for "
          ")(?P<o>.+)", "things", "dislikes", "preference", "{s}{n} dislikes {o}"),
    rule("dislikes.not", "like enjoy",
          "^(?:i|we) (?:really )?(?:don't|do not|dont) (?:really |particularly |even )?(?:like|enjoy) (?!to |for "
          ")(?P<o>.+)", "things", "dislikes", "preference", "{s} does not like {o}"),
    rule("dislikes.fan", "fan into",
          "^(?:i'm|i am|im|we're) (?:really )?not (?:really )?(?:an? )?(?:big |huge |much of an? )?(?:fan of"
          "|into) (?P<o>.+)", "things", "dislikes", "preference", "{s} does not like {o}"),
    rule("prefers", "prefer", f"{I_DO}prefer (?!to )(?P<o>.+?)(?: (?:to|over|rather than|instead of) .+)?$", "thing",
          "prefers", "preference", "{s}{n} prefers {o}"),
    rule("prefers.to", "prefer", f"{I_DO}prefer to (?P<o>.+?)(?: (?:rather than|instead of) .+)?$", "doing", "prefers",
          "preference", "{s}{n} prefers {o}"),
    rule("favorite.is", "favorite favourite",
          "^(?:my|our) (?:all[- ]time )?favou?rite (?P<fav>[\\w' -]{2,40}?)(?:'s| is| are| has always been| has "
          "to be| was always) (?P<o>.+)", "thing", "favorite", "preference", "{p} favorite {fav} is {o}",
          subject="{s}'s favorite {fav}"),
    rule("favorite.of", "favorite favourite",
          "^(?P<o>[\\w' &-]{2,60}?) (?:is|are) (?:definitely |still )?my (?:all[- ]time |absolute )?favou?rite "
          "(?P<fav>\\w+(?: of \\w+)?)(?=$|[,.!;])", "thing", "favorite", "preference", "{p} favorite {fav} is {o}",
          subject="{s}'s favorite {fav}"),
)  # fmt: skip

_HABITS = (
    rule("drinks", "drink", f"{I_DO}drink (?P<o>.+)", "things", "drinks", "attribute", "{s}{n} drinks {o}"),
    rule("eats", "eat", f"{I_DO}eat (?P<o>.+)", "things", "eats", "attribute", "{s}{n} eats {o}"),
    rule("plays", "play", f"{I_DO}(?:can )?play (?P<o>.+)", "played", "plays", "attribute", "{s}{n} plays {o}"),
    rule("plays.started", "playing", f"{HAVE}(?:started|been|took up) playing (?P<o>.+)", "played", "plays",
          "attribute", "{s} plays {o}"),
    rule("learns", "learning learn",
          f"(?:{AM}(?:learning|teaching myself)|^i learn) (?!to |how |about |that |from )(?P<o>.+)", "things",
          "learns", "attribute", "{s}{n} is learning {o}"),
    rule("learns.started", "learning", f"{HAVE}(?:started|been) learning (?!to |how |about |that )(?P<o>.+)",
          "things", "learns", "attribute", "{s} is learning {o}"),
    rule("uses", "use", f"{I_DO}use (?P<o>.+)", "tool", "uses", "attribute", "{s}{n} uses {o}",
         unless=r"\bfor (?:this|that|it)\b"),
    rule("drives", "drive", f"{I_DO}drive (?P<o>an? .+)", "owned", "drives", "possession", "{s}{n} drives {o}"),
    rule("does", "do", "^(?:i|we) (?:also |still |usually |often |now |really )?do (?P<o>.+)", "activity", "does",
          "attribute", "{s}{n} does {o}"),
    rule("does.go", "go", "^(?:i|we) (?:also |still |usually |often |always |regularly )?go (?P<o>[a-z]+ing\\b.*)",
          "activity", "does", "attribute", "{s}{n} goes {o}"),
    rule("does.started", "started", f"{HAVE}started (?:to do |doing )?(?P<o>[a-z]+ing\\b.*)", "begun", "does",
          "attribute", "{s} started {o}", confidence=0.8, unless="started (?:playing|learning|working)"),
    rule("does.smoke", "smoke vape",
          f"{I_DO}(?P<o>smoke|vape)(?= ?$| (?:a lot|cigarettes|every|sometimes|occasionally)|[,.;])", "doing", "does",
          "attribute", "{s} is{n} {o}"),
    rule("goes_to", "go", f"{I_DO}go to (?P<o>.+)", "frequented", "goes_to", "attribute", "{s}{n} goes to {o}"),
)  # fmt: skip

_PLANS = (
    rule("plan.to", "plan plans planning intend",
          "^(?:(?:i|we) (?:also |still |do )?(?:plan|intend) to|(?:i'm|i am|im|we're|we are) (?:also |still "
          "|currently |already )?(?:planning|intending) to) (?P<o>.+)", "act", "plans", "plan", "{s}{n} plans to {o}"),
    rule("plan.on", "planning plan",
          "^(?:(?:i|we) plan|(?:i'm|i am|im|we're|we are) (?:also |still )?planning) on (?P<o>.+)", "doing_act",
          "plans", "plan", "{s}{n} plans to {o}"),
    rule("plan.trip", "planning",
          "^(?:i'm|i am|im|we're|we are) (?:also |still |currently |already )?planning (?!to |on )(?P<o>.+)", "trip",
          "plans", "plan", "{s} is{n} planning {o}"),
    rule("plan.going", "going gonna",
          "^(?:i'm|i am|im|we're|we are) (?:also |still |definitely |finally )?(?:going to|gonna) (?P<o>.+)",
          "dated_act", "plans", "plan", "{s} plans to {o}", confidence=0.85),
    rule("plan.journey", "going", "^(?:i'm|i am|im|we're|we are) (?:also |finally )?going to (?P<o>.+)", "journey",
          "plans", "plan", "{s} plans to {o}", confidence=0.85),
    rule("plan.move", "moving relocating",
          "^(?:i'm|i am|im|we're|we are) (?:also |finally )?(?:moving|relocating) (?P<o>.+)",
          "removal", "plans", "plan", "{s} plans to {o}"),
    rule("plan.will", "ll will", "^(?:i'll|i will|we'll|we will) (?P<o>.+)", "dated_act", "plans", "plan",
          "{s} plans to {o}", confidence=0.8),
    rule("plan.goal", "goal dream plan",
          "^(?:my|our) (?:\\w+ )?(?:goal|dream|plan) (?:for \\w+ \\w+ )?is to (?P<o>.+)", "act", "plans", "plan",
          "{s} plans to {o}"),
    rule("want.to", "want hope aim", f"{I_DO}(?:want|hope|aim) to (?P<o>.+)", "wish", "wants", "plan",
          "{s}{n} wants to {o}", confidence=0.85),
    rule("decided", "decided", f"{HAVE}decided (?P<o>.+)", "decision", "decided", "plan", "{s} decided {o}"),
    rule("due.have", "have got", "^(?:i|we)(?:'ve| have)? (?:also |just )?(?:have|got) (?P<o>(?:an?|my|the|our) .+)",
          "due", "appointment", "event", "{s} has {o}"),
    rule("due.my", "is s", "^(?:my|our) (?P<o>.+)", "due", "appointment", "event", "{s} has: {o}", confidence=0.85),
)  # fmt: skip

_RULES = (
    rule("avoid.never", "eat drink",
          "^(?:i|we) (?:really |also )?(?:never|don't|do not|dont|can't|cannot|cant|won't) (?:ever |really "
          ")?(?P<verb>eat|drink) (?:anything (?:with|containing) |any )?(?P<o>.+)", "things", "avoids", "rule", "{s} does not {verb} {o}"),
    rule("avoid", "avoid", f"{I_DO}avoid (?P<o>.+)", "things", "avoids", "rule", "{s}{n} avoids {o}"),
    rule("never", "never", "^i never (?P<o>.+)", "own_rule", "never", "rule", "{s} never {o}"),
    rule("allergy", "allergic", f"{AM}(?:severely |deathly |highly |quite |mildly )?allergic to (?P<o>.+)", "allergens",
          "allergic_to", "rule", "{s} is{n} allergic to {o}", confidence=0.97),
    rule("allergy.have", "allergy",
          "^i(?:'ve)? (?:have|got) an? (?:severe |mild |bad |serious )?(?P<o>[\\w-]+(?: [\\w-]+)?) allergy", "allergens",
          "allergic_to", "rule", "{s} is{n} allergic to {o}"),
    rule("order.from_now", "now future forward", "^(?:from now on|going forward|in (?:the )?future),? (?P<o>.+)",
          "order", "asks_to", "rule", "{s} asks to {o}"),
    rule("order.always", "always never",
          "^(?P<o>(?:always|never) (?:answer|reply|respond|write|speak|talk|call me|address me|use|format|explain"
          "|suggest|recommend|show me|give me) .+)", "order", "asks_to", "rule", "{s} asks to {o}", confidence=0.85,
         unless=r"\b(?:this|these|here)\b"),
)  # fmt: skip

LIFE = (*_TASTE, *_HABITS, *_PLANS, *_RULES)
NOTE = rule("note", "", "^(?P<o>.+)", "noted", "note", "fact", "{s} asks to remember that {o}", confidence=0.9)
