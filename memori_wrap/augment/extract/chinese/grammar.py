# ruff: noqa: E501 (wide letters count twice)
"""``CHINESE``: where statements begin, what makes them somebody else's or unreal, and the readers by name."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.chinese import readers
from memori_wrap.augment.extract.chinese.rule import I
from memori_wrap.augment.extract.chinese.rules_life import LIFE, NOTE
from memori_wrap.augment.extract.chinese.rules_person import PERSON
from memori_wrap.augment.extract.chinese.words import KIN, either
from memori_wrap.augment.extract.grammar import Grammar, Phrase, Reader

_OF_TEXT = {
    "act": readers.act, "habit": readers.habit, "home": readers.home, "job": readers.job, "languages": readers.languages,
    "learnt": readers.learnt, "name": readers.name, "organisation": readers.organisation,
    "person_or_kin": readers.person_or_kin, "place": readers.place, "rel": readers.relation, "surname": readers.surname,
    "thing": readers.thing, "things": readers.things, "tool": readers.tool, "who": readers.who, "whole": readers.whole,
    "fav": readers.relation, "verb": readers.relation,
}  # fmt: skip


def _reader(read: object) -> Reader:
    def call(text: str, _: object) -> list[Phrase]:
        return read(text)  # type: ignore[operator,no-any-return]

    return call


_ENDED = re.compile(
    rf"^(?P<who>{I})?(?:现在|已经|早就|早|最近|以后|从此)*(?:不再|再也不|已经不|不)(?P<rest>(?:住|喝|吃|抽|用|玩|打|喜欢|爱|做|当|熬|学|养)[^，]{{1,12}})了$"
)
_TOPIC_ENDED = re.compile(
    rf"^(?P<what>[^，我]{{1,6}}?)(?:{I})?(?:现在|已经|早就)?(?:也|都)?(?:不再|不)(?P<verb>喝|吃|抽|用|玩)了$"
)
_QUIT = re.compile(
    rf"^(?P<who>{I})?(?:已经|早就|终于|刚|去年|今年)*(?:戒|戒掉|戒了)(?P<what>烟|酒|糖|咖啡|奶茶|可乐|肉|辣|游戏|网购)(?:了|掉了)*$"
)
_QUIT_VERBS = {"烟": "抽", "酒": "喝", "咖啡": "喝", "奶茶": "喝", "可乐": "喝", "游戏": "打"}


def ended(clause: str) -> str | None:
    """The positive statement that a clause says no longer holds, or None where it does not say so."""
    if match := _QUIT.match(clause):
        return f"我{_QUIT_VERBS.get(match['what'], '吃')}{match['what']}"
    if match := _ENDED.match(clause):
        return f"{match['who'] or '我'}{match['rest']}"
    if match := _TOPIC_ENDED.match(clause):
        return f"我{match['verb']}{match['what']}"
    return None


_DOUBT = (
    "如果|要是|假如|假设|假装|万一|除非|但愿|要不是|可能|也许|说不定|大概|似乎|想象|就好了|扮演|小说|游戏里|游戏中|梦见|梦到|下辈子|梦里|剧本|故事|据说|"
    "听说|等我|骗你|骗你的|开玩笑|呵呵|是是是|主人公|主角|搞得|好像|仿佛|像是|恨不得|巴不得|差点|要不|万一|谁知|倘若|若是|假使|多希望|真希望|我希望|随便说说|"
    "又不是|难道|未必|不一定|不确定|考虑|想过|传言|传闻|上辈子|剧里|电影里|书里|角色|人设|台词|歌词|段子|我是说|神仙|似的|一样穷|打个比方|比方|比如|例如|大家都以为|都以为|以为"
)
_SAID = "(?:(?<!医生)(?<!大夫)(?<!忘了)(?<!忘记)说|问|告诉|以为|觉得|认为|希望|留言|写道|回复|喊|嚷|建议|要求|想让|说过|提到|宣称|声称|嘲笑|吐槽|心想)"
_CONTINUES = (
    "今年|刚满|在|做|当|养|有|也|还|住|是|从事|目前|现在|平时|最|特别|喜欢|讨厌|爱|叫|来自|老家|对|不吃|不喝|不会|会|开|每天|每周|长期|毕业|教|学|读|"
    "正在|水平|长期|下岗|退休|离职|[12][09][0-9][0-9]年|患|得了|自闭症|多动症|一个人|常|改|身高|体重|已经|刚|搬|信"
)  # fmt: skip

CHINESE = Grammar(
    language="zh",
    trigger=re.compile("[㐀-鿿]"),
    foreign=re.compile(
        r"^(?:(?:你好|您好|请|麻烦|帮我|帮忙|能不能|可以|请你|现在|那|好的|再)[，,！!\s]?){0,4}(?:(?:把|将)?(?:下面|以下|这段|这句|这篇|上面|下列)[^。]{0,20}|翻译|润色|改写|校对|总结一下|仿写|续写|"
        r"写(?:一|个|篇|段|首|封|份|几)|编(?:一|个|写)|扮演|角色扮演|生成|造句|我们来角色扮演|我们来玩|来玩|你现在是|你是一|从现在起你是|假设你是|想象你是|讲(?:一)?个|造一个|给我讲)"
    ),
    fiction=re.compile(r"^(?:请|现在|那|好)?(?:想象|假设|假如|设想|如果|从前|很久以前|假装|剧情|背景设定|设定|人物)"),
    question=re.compile(
        r"^.*(?:[吗吧嘛么]|呢|是不是|能不能|可不可以|怎么办|行不行|对不对|有没有|会不会|该不该|要不要)[。！!.~～]*$|^(?:谁|什么|为什么|怎么|哪|请问|有没有|能不能|可以|是不是|如何|你|您|他们|她们)"
        r"(?!可以叫|就叫|叫我|以后|们|好)"
    ),
    turns_to_question=re.compile(
        r"[，,；;。：:\s](?:那|请问|所以|但|但是|那么|你说|现在|想问|我想问|该)?(?:怎么|能|可以|有什么|有没有|哪|该|请问|谁|如何|为什么|需要|是不是|会不会|要不要|什么|几|多少|吃什么|推荐|"
        r"应该|帮我|我该|我能|我可以|我要|咋|行不|可不可以|算)[^？?]*[？?]"
    ),
    secret=re.compile("密码|口令|验证码|身份证号|银行卡号|私钥|密钥|CVV|卡号"),
    hypothetical=re.compile(_DOUBT),
    doubts=frozenset(word[0] for word in _DOUBT.split("|")),
    reports=frozenset("说问告以觉认希留写回喊嚷建要想提宣声嘲吐心"),
    boundary=re.compile(
        rf"(?:(?<!记住)(?<!记一下)(?<!记下)(?<!记着)[，,；;：:\n（(～~]|——|…+|(?<=[㐀-鿿]) +(?=[㐀-鿿])|、(?=我))\s*(?:(?:但是|但|而且|不过|所以|因为|然后|并且|同时|其实|而)?)(?P<bare>(?={_CONTINUES})(?!我|俺|本人))?"
    ),
    open=re.compile("希望|想让|以为|觉得|说我|听说|知道|看见|看到|发现"),
    elided="我",
    carried=re.compile(
        rf"^(?:以前|之前|原来|上个月|现在|目前|去年|今年|其实)?(?P<own>(?:我们家|我们|我家|我|俺|咱)(?:们|家|的|那|有个|有一个)?{either(KIN)}"
        rf"(?:[小阿老][㐀-鿿](?=今年|在|是|上|去|最))?|{I})|^(?:坐标|刚(?!才)|[㐀-鿿]{{2}}座|\d{{2,4}}年的|程序员|退休)"
    ),
    reported_before=re.compile(rf"(?:{_SAID}(?:我|他|她|你|大家|别人|过|道)?[：:，, “\"]*)$"),
    reported_after=re.compile(rf"[ ，,”]*(?:他|她|他们|有人|网友|大家){_SAID}"),
    opener=re.compile(
        r"(?:(?:你好呀?|您好|大家好|嗨|哈喽|hi|hello|对了|其实|说实话|忘了说|谢谢(?:你)?|不过|而且|但是|但|因为|所以|另外|还有|顺便说一下|顺便|补充一下|补充|情况是这样|说来惭愧|真事儿|"
        r"老实说|坦白说|嗯|哦|啊|唉|哎|那个|然后|自我介绍一下|简单介绍一下|介绍一下|真的|没错|是的|对|好的|好|打扰一下|讲真|话说|首先|其次|更正一下|纠正一下|更新一下|最近|说起来|要说|"
        r"\d{1,2}[.、．)）])[，,。：:！!\s~～]+)|[，,。：:！!\s~～·\-*]+",
        re.I,
    ),
    note=re.compile(r"(?:请|麻烦|帮我|你)?(?:记住|记一下|记下来?|记着|别忘了|记好|备注一下)[了：:，,\s]*"),
    ended=ended,
    subject="用户",
    possessive="{s}的",
    no_longer="不再",
    readers={name: _reader(read) for name, read in _OF_TEXT.items()},
    rules=(*PERSON, *LIFE),
    note_rule=NOTE,
    words=frozenset,
)
