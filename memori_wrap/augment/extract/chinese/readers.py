"""Readers: what stands where a Chinese rule expects a name, a place, a job. An empty answer stops the rule."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.chinese import words as w
from memori_wrap.augment.extract.grammar import Phrase

_TAIL = re.compile(
    r"(?:了|的|呢|啦|啊|吧|呀|哦|哈|嘛|而已|来着|罢了|好几年|很多年|[一二三四五六七八九十几两\d]+多?年)+$"
)
_NAME = re.compile(r"[㐀-鿿·]{1,4}$|[A-Za-z][\w .'-]{0,30}$")
_NOT_NAME = re.compile(
    r"[我你他她它您这那什怎谁哪啥了过个车不来去在是有没的得起]|^一[个下声只点些]|外卖|快递|醒|停|好|看看|快|滚|走|起床|吃|帮|别|赶紧|多|先生|女士|小姐$"
)
_POINTING = re.compile(
    r"[这那哪你您它啥她]|(?<![吉其])他|什么|怎么|第[一二三四五六七八九十\d]|版本|标题|方案|说法|问题|想法|东西"
)
_MEASURE = re.compile(
    r"^(?:是)?(?:一|两|兩|几)?(?:个|名|位|枚|只|个的)?(?:全职|普通|小|老|兼职|自由|独立|资深|高级|初级|年轻|专业)?"
)
_CITY = re.compile(f"(?:{w.either(w.PLACES)})+(?:市|省|那边|这边)?[㐀-鿿]{{0,4}}$")
_TOPIC = re.compile(r"[，。！；：,;:!…（(～~].*$")


def cut(text: str) -> str:
    """Up to the end of the statement, without the particles that close it."""
    return _TAIL.sub("", _TOPIC.sub("", text.strip())).strip(" “”\"'。.")


def _one(said: str) -> list[Phrase]:
    return [Phrase(said, said)] if said else []


def thing(text: str) -> list[Phrase]:
    """Whatever one can like or eat; not what only points at something."""
    said = cut(text)
    some = re.match(r"一(?:口|点|下|次|个|遍|会|些)|亏|苦头|醋$|惊|力|加班|上班|开会|早起|工作$", said)
    return _one(said) if 0 < len(said) <= 22 and not some and not _POINTING.search(said) else []


def things(text: str) -> list[Phrase]:
    """As ``thing``; an enumeration gives several."""
    said = cut(text)
    parts = re.split(r"、|和|跟|以及|还有", said)
    if len(parts) > 1 and all(1 < len(part) <= 6 for part in parts):
        return [each for part in parts for each in thing(part)]
    return thing(said)


def whole(text: str) -> list[Phrase]:
    """What the pattern has already found."""
    said = text.strip(" ，。！!.,；;：:")
    return _one(said) if len(said) <= 60 else []


def name(text: str) -> list[Phrase]:
    said = cut(re.sub(r"(?:就行|就好|就可以|即可|吧)+$", "", text.strip(" 。！!，,")))
    return _one(said) if _NAME.match(said) and not _NOT_NAME.search(said) else []


def surname(text: str) -> list[Phrase]:
    said = cut(text).strip("“”")
    return _one(said) if 0 < len(said) <= 2 and not _NOT_NAME.search(said) else []


def place(text: str) -> list[Phrase]:
    """A place of the list, with what is nearer in it, or a name that ends like one."""
    said = re.sub(r"(?:工作|上班|打工|生活|读书|上学|上大学|定居|出差|那边|那儿|这边)+$", "", cut(text))
    if re.search(r"[做当當开開读讀教养養学學]|上班|工作", said):
        return []
    return _one(said) if 1 < len(said) <= 12 and not _POINTING.search(said) and (
        _CITY.match(said) or (said[-1] in w.PLACE_ENDS and len(said) > 2)
    ) else []  # fmt: skip


def home(text: str) -> list[Phrase]:
    """After "住在": any name, but not what stands for none."""
    said = cut(text)
    vague = re.search(
        r"[这那哪你他她]|家里?$|宿舍|酒店|医院|旁边|附近|对面|隔壁|楼|一起|学校|公司|外面|里$|上$|边$|宫|城堡", said
    )
    return place(said) or (_one(said) if 1 < len(said) <= 8 and not vague else [])


def job(text: str) -> list[Phrase]:
    """An occupation: of the list, or with the ending of one."""
    said = re.sub(r"^(?:做|干|当)", "", cut(re.sub(r"(?:工作|一职|的工作)$", "", cut(text))))
    kernel = _MEASURE.sub("", said)
    said = re.sub(r"^(?:一|两)?(?:个|名|位|枚)", "", said)
    known = (
        kernel in w.JOBS
        or kernel.endswith(w.JOB_ENDS)
        or any(kernel.endswith(each) and len(each) > 1 for each in w.JOBS)
    )
    fits = 1 < len(said) <= 12 and not _POINTING.search(said) and not said.endswith(w.NOT_JOBS)
    return _one(said) if known and fits and not re.search(r"[我想要不]", said) else []


def organisation(text: str) -> list[Phrase]:
    said = re.sub(r"^(?:一|某)?(?:家|个|间|所|座)", "", cut(text))
    return _one(said) if said.endswith(w.ORGS) and len(said) <= 14 and not re.search(r"[我你他她这那]", said) else []


def languages(text: str) -> list[Phrase]:
    found: list[Phrase] = []
    for part in re.split(r"、|和|跟|还有", re.sub(r"^(?:一点|点|几句|流利的)", "", cut(text))):
        if not w.LANGUAGES.match(part) or re.search(r"[我你他她]|说话|讲话|笑话|好话|作文|废话|实话", part):
            break
        found += _one(part)
    return found


def learnt(text: str) -> list[Phrase]:
    said = re.sub(r"^(?:着|习|一点|的是)", "", cut(text))
    refused = _POINTING.search(said) or re.match(r"[校生会姐长乖坏费期费]", said)
    return _one(said) if 1 < len(said) <= 8 and not refused else []


def habit(text: str) -> list[Phrase]:
    """What is done again and again; a state ("always tired") is none."""
    said = cut(text)
    state = re.search(
        r"[很真累忙烦困]|好[^多几喝吃]|太(?!极|阳)|特别|非常|安静|内向|外向|都在(?:想|等)|开心|难受|失望|会$", said
    )
    return _one(said) if 1 < len(said) <= 20 and not state and not _POINTING.search(said) else []


def act(text: str) -> list[Phrase]:
    """After "plan to": a verb phrase of some length."""
    said = cut(text)
    return (
        _one(said)
        if 1 < len(said) <= 20
        and not _POINTING.search(said)
        and not re.search(
            r"^(?:好|了|得|先|再|待会|等会|一会|回家|睡|吃饭|出门|休息|下班|放弃|试|用|按)|一下|再看|再说|试试|再来|方案|这样",
            said,
        )
        else []
    )


def person_or_kin(text: str) -> list[Phrase]:
    said = cut(text)
    known = said.removeprefix("我") in w.KIN or (_NAME.match(said) and not _NOT_NAME.search(said))
    return _one(said.removeprefix("我")) if said and known and len(said) <= 4 else []


def relation(text: str) -> list[Phrase]:
    """A group ``rel``."""
    return _one(text)


def who(text: str) -> list[Phrase]:
    """A group ``who``: the name that goes with a relation; it may be missing."""
    return [Phrase(text, text)]


def tool(text: str) -> list[Phrase]:
    """A tool by its Latin letters."""
    match = re.match(r"[A-Za-z][\w.+# -]{0,20}", cut(text))
    return _one(match[0].strip()) if match else []
