# ruff: noqa: E501 (wide letters count twice)
"""Rules for how somebody lives: taste, habits, skills, plans, what happened, standing instructions."""

from __future__ import annotations

from memori_wrap.augment.extract.chinese import words as w
from memori_wrap.augment.extract.chinese.rule import ME, SELF, THEIR, I, both, rule
from memori_wrap.augment.extract.chinese.words import either

_COUNT = "(?:[一二两三四五六七八九十几兩]|\\d{1,2})?"
_VERBS = "(?:喝|吃|看|听|用|玩|写|穿|读)"
_NOT_LIKED = "不喜|不爱|不太喜|最喜欢的|最爱的|以前|曾经|更喜|可喜|呢$|不是"
_PLAYED = f"(?:{'|'.join(w.PLAYED)})"
_EVERY = "(?:每天|每周|每晚|每个|每年|每月|每逢|每早|天天|经常|常常|周末|从小就|习惯|平时|[隔逢][一两]?[天周年]|一周[一二三四五六两]次|周[一二三四五六日](?:和|都|晚))"

TASTE = (
    rule("likes", "喜爱愛歡", f"{SELF}(?:喜欢|喜歡|爱|愛|热爱|喜爱|酷爱|迷上了?|沉迷于?|痴迷于?|钟爱|好)(?P<o>.+)$", "things", "likes", "preference", "{s}{n}喜欢{o}",
         unless=_NOT_LIKED + "|好(?!这口)|爱人|爱好"),
    rule("likes.their", "喜爱", f"{THEIR}(?:喜欢|喜歡|爱|热爱|喜爱|酷爱)(?P<o>.+)$", "things", "likes", "relationship", "{p}{rel}{who}喜欢{o}", subject="{s}的{rel}{who}",
         unless=_NOT_LIKED + "|爱人|爱好"),
    *both("likes.hobby", "爱", "(?:的)?爱好(?:是|有|就是)(?P<o>.+)$", "things", "likes", "preference", "爱好{o}"),
    rule("likes.team", "支粉迷", f"{SELF}(?:支持|是)(?P<o>[^，]{{1,8}}队)(?:的)?(?:球迷|粉丝)?$", "whole", "likes", "preference", "{s}支持{o}"),
    rule("likes.fan", "迷粉", f"{SELF}是(?:个|一个|资深|忠实)?(?P<o>[^，]{{1,8}}?)(?:的)?(?:球迷|粉丝|影迷|歌迷|爱好者|发烧友)$", "thing", "likes", "preference", "{s}喜欢{o}"),
    *both("dislikes", "厌不烦受恨", "(?:讨厌|不(?:太|怎么|大|是很)?喜欢|不(?:太|怎么|大)?爱|受不了|反感|恨)(?P<o>.+)$", "things", "dislikes", "preference", "不喜欢{o}", me=ME,
          unless="以前|了$|不是不"),
    *both("dislikes.to", "反无", "对(?P<o>[^，]{1,10}?)(?:特别|很|非常|极其|十分)?(?:反感|无感|没兴趣|不感兴趣)", "things", "dislikes", "preference", "对{o}反感"),
    rule("likes.to", "兴感", f"{SELF}对(?P<o>[^，]{{1,10}}?)(?:特别|很|非常|十分)?(?:感兴趣|有兴趣)", "things", "likes", "preference", "{s}对{o}感兴趣", unless="不感|没"),
    *both("prefers", "更偏宁比", "(?:更喜欢|更爱|偏爱|偏好|更习惯|更愿意|更偏向)(?P<o>.+)$", "thing", "prefers", "preference", "更喜欢{o}", me=ME),
    rule("prefers.party", "党", "^[^，我]{1,6}我是(?P<o>[甜咸辣酸][党黨])", "whole", "prefers", "preference", "{s}是{o}"),
    rule("favorite", "最", f"^{I}?最(?:喜欢|爱|喜爱|喜歡|愛)(?:吃|喝|看|听)?的(?P<fav>[^，是]{{1,8}})(?:就)?是(?P<o>.+)$", "thing", "favorite", "preference", "{p}最喜欢的{fav}是{o}",
         subject="{s}最喜欢的{fav}"),
    rule("only", "只", f"^(?P<fav>[^，我]{{1,6}})?{I}(?:一般|平时|从来)?只(?P<verb>{_VERBS})(?P<o>.+)$", "thing", "likes", "preference", "{s}只{verb}{o}",
         unless="只喝|只吃|只用"),
    rule("drinks", "喝", f"^(?:[^，我]{{1,4}})?{I}?(?:现在|平时|一般|从来|天天|每天)?(?:只|改|常|天天|每天|爱|习惯)喝(?P<o>.+)$", "thing", "drinks", "attribute", "{s}{n}喝{o}", unless="不|过"),
    rule("eats", "吃", f"^(?:[^，我]{{1,4}})?{I}(?:现在|平时|一般|从来|天天|每天)?(?:只|改|常|天天|每天|习惯)吃(?P<o>.+)$", "thing", "eats", "attribute", "{s}{n}吃{o}", unless="不|过"),
    rule("ended.drinks", "喝", f"^{I}喝(?P<o>.+)$", "thing", "drinks", "attribute", "{s}{n}喝{o}", unless="喝[过醉多完不得]|喝了"),
    rule("ended.eats", "吃", f"^{I}吃(?P<o>.+)$", "thing", "eats", "attribute", "{s}{n}吃{o}", unless="吃[过饱多完不得]|吃了|吃瓜"),
    rule("ended.does", "抽熬打玩", f"^{I}(?P<o>抽烟|熬夜|打游戏|玩游戏|赌博|喝酒)$", "whole", "does", "attribute", "{s}{n}{o}"),
    *both("avoids", "不", "(?:从来|从|一点|完全|绝对|都)?(?:不能?|不可以)(?:喝|吃)(?P<o>.+)$", "things", "avoids", "rule", "不吃{o}", unless="了$|不下|不起|不了|不到|不惯"),
    *both("avoids.bad", "不", "(?:吃|喝)不(?:了|惯|得)(?P<o>.+)$", "things", "avoids", "rule", "吃不了{o}", unless="不了(?:这么|那么|多少|几|太多)"),
    *both("is.diet", "素清", "(?:是)?(?:一个|个)?(?P<o>素食主义者|素食者|纯素|吃素|回族|清真)(?:的)?$", "whole", "is", "attribute", "{o}", unless="不是|不吃"),
)  # fmt: skip

DOES = (
    *both("can", "会", f"(?:会|能)(?P<o>{w.SKILLS})(?:了)?$", "whole", "can", "attribute", "会{o}", unless="不会|不能"),
    rule("can.also", "还可会", f"^(?:{I})?(?:但|不过)?(?P<o>{w.SKILLS})(?:还可以|还行|没问题|是强项|挺拿手|很拿手)$", "whole", "can", "attribute", "{s}会{o}"),
    *both("cannot", "不", f"(?:还|完全|一直)?不(?:太)?会(?P<o>{w.SKILLS})", "whole", "cannot", "attribute", "不会{o}"),
    *both("speaks", "会说讲", "(?:还|也)?(?:会|能)(?:说|讲)?(?P<o>.+)$", "languages", "speaks", "attribute", "会说{o}", unless="不会|不能"),
    rule("speaks.mother", "母", f"^{I}?(?:的)?母语是(?P<o>.+)$", "languages", "speaks", "attribute", "{p}母语是{o}"),
    *both("plays", "弹拉吹打踢下练跳", f"(?:会|在|喜欢|周末|每周|业余)?(?P<o>{_PLAYED})(?:了)?(?=$|[\\d一二三四五六七八九十]+年)", "whole", "plays", "attribute", "{o}",
          unless="不会|想|打算|没"),
    *both("learns", "学", "(?:正在|正|在|开始|刚开始|最近在|报班|自)学(?:习)?(?P<o>.+)$", "learnt", "learns", "attribute", "在学{o}", me=ME, unless="想学|在学校|打算"),
    *both("habit", "每天周常末时", f"(?P<o>{_EVERY}(?!写[A-Z]|用[A-Z]).+)$", "habit", "does", "attribute", "{o}", me=f"^{I}(?:都|也|一般|平时|会|就)*"),
    rule("habit.fast", "初斋素", f"{ME}(?P<o>(?:初一十五|每月初一|周[一二三四五六日])(?:吃斋|吃素|斋戒))", "whole", "does", "attribute", "{s}{o}"),
    rule("habit.owl", "夜早", f"{SELF}是(?:个)?(?P<o>夜猫子|早起的人|早睡早起的人)", "whole", "does", "attribute", "{s}是{o}"),
    *both("never", "从不", "(?:从来不|从不|一向不|从来没)(?P<o>(?!知|明|想|信|是|在乎).+)$", "habit", "never", "rule", "从不{o}", unless="从来没|[喝吃]"),
    rule("uses", "用", f"^{I}?(?:平时|现在|一直|工作)?(?:常用|习惯用|惯用|用)的?[^，]{{0,8}}?是(?P<o>.+)$", "tool", "uses", "attribute", "{s}用{o}"),
    rule("uses.with", "用写", f"{ME}(?:每天|主要|一直|平时)?(?:都)?(?:用|写)(?P<o>[A-Z][A-Za-z0-9.+# ]*)$", "tool", "uses", "attribute", "{s}用{o}", unless="不用|没用|请用|写一|帮"),
    *both("fears", "怕恐", "(?:最怕|害怕|很怕|特别怕|从小怕|从小就怕|非常怕)(?P<o>.+)$", "things", "fears", "attribute", "怕{o}", me=ME, unless="不怕|怕的(?:就)?是"),
    *both("fears.height", "恐晕", "(?:有点|严重)?(?P<o>恐高|晕血|怕黑|晕针)", "whole", "fears", "attribute", "{o}", unless="不恐|不晕"),
    rule("member", "是入参", f"{SELF}(?:是|加入了?|参加了?)(?P<o>[^，]{{1,10}}?(?:队|社|协会|俱乐部|合唱团|乐团|乐队|志愿者团队))(?:的)?(?:成员|队员|会员|一员|队长|主力)?$", "whole",
         "member_of", "attribute", "{s}是{o}的成员", unless="支持|比赛|以前|当年|曾"),
    rule("member.left", "退", f"{SELF}退出了?(?P<o>[^，]{{1,10}}?(?:队|社|协会|俱乐部|团|群))了?$", "whole", "member_of", "attribute", "{s}退出{o}", ends=True),
    rule("drives", "开", f"{SELF}开(?:的是|着)?(?:一)?(?:辆|台)(?P<o>[^，]{{2,14}})$", "thing", "drives", "possession", "{s}开{o}", unless="开过|以前|想开"),
    *both("has", "有买", f"(?:在[^，]{{1,6}})?(?:有|买了|买的|拥有)(?P<o>{_COUNT}(?:辆|套|台|架|间|栋|块|部|艘|亩|个|把|张|本)?[^，没]{{0,6}}?{w.OWNED})$", "whole", "has", "possession",
          "有{o}", unless="没有|还没|梦见|想买|要买"),
    *both("lacks", "没", f"(?:还|一直|也)?没有?(?P<o>(?:{w.OWNED}|孩子|小孩|兄弟姐妹|宠物|驾照|信用卡))$", "whole", "lacks", "attribute", "没有{o}"),
    rule("sold", "卖", f"{ME}(?:把)(?P<o>[^，]{{0,4}}{w.OWNED})卖了", "whole", "has", "possession", "{s}不再有{o}", ends=True),
)  # fmt: skip

_LIFE = (
    "(?:结婚|订婚|离婚|毕业|辞职|升职|入职|退休|考下|考过|考完|拿到|通过|买了(?=.{0,8}(?:房|车|公寓|别墅|钢琴|电脑|手机|相机|地$|店))|爬|跑完|去了?(?=.{0,8}(?:旅游|旅行|爬山|度假|演唱会|看展))|盘出去|生了|搬家|做了(?=.{0,6}手术)|过了(?=.{0,6}(?:生日|大寿|考试|级|寿))|得了(?=.{0,6}(?:奖|第|冠|亚|季))|参加(?=.{0,10}(?:婚礼|比赛|马拉松|葬礼|高考|毕业|演出|面试|考试|大赛))|"
    "出院|住院|摔|骨折|签了|领证|旅游|旅行|获|赢|卖了)"
)
_OTHERS = either(kin for kin in w.KIN if len(kin) > 1)
_PAST_TIME = (
    "(?:昨天|昨晚|前天|今早|上个?周末|上个?月|上个?星期|上周[一二三四五六日天]?|去年|前年|前几天|前两天|刚刚|刚|终于)"
)
_WILL = "(?:明天|后天|下周[一二三四五六日天]?|下个?月|下个?星期|明年|这周[一二三四五六日天]|周[一二三四五六日天]|[\\d一二三四五六七八九十]+月[\\d一二三四五六七八九十]*[号日]?|月底|年底)"

EVENTS = (
    *both("did", "昨前上去刚终", f"(?:{_PAST_TIME}[，,]?)(?:{I})?(?:把)?(?P<o>[^，]{{0,12}}?{_LIFE}[^，]*)$", "whole", "did", "event", "{o}",
          me=f"^(?:{I})?", unless="骗|梦|听说|别人|他|她|能不能|又堵|帮|那会儿|的时候|那年|" + _OTHERS),
    *both("due", "明后下这周月年", f"(?P<o>{_WILL}[^，]{{0,8}}?(?:有|要|是|去)?[^，]{{0,6}}?{w.EVENTS})$", "whole", "appointment", "event", "{o}", me=ME, unless="可能|想|如果"),
    *both("due.expires", "到期", f"(?P<o>[^，]{{1,8}}?(?:{_WILL}|明年|今年)[^，]{{0,6}}?(?:到期|过期))", "whole", "appointment", "event", "的{o}"),
    rule("plans", "打计准决", f"{ME}(?:打算|计划|准备|决定)(?:了)?(?:在|要|明年|下个?月|今年)?(?P<o>.+)$", "act", "plans", "plan", "{s}打算{o}", unless="没打算|不打算|没准备|准备好|问|帮"),
    rule("plans.signed", "报", f"{ME}报名?了(?P<o>[^，]{{2,14}})$", "act", "plans", "plan", "{s}报名{o}", unless="想"),
    rule("due.attend", "参", f"{SELF}(?:将要|即将|要去|要|会去)参加(?P<o>[^，]{{2,20}})$", "act", "appointment", "event", "{s}要参加{o}", unless="想|可能|不"),
    rule("plans.goal", "目梦", f"^{I}?(?:的)?(?:目标|梦想|愿望|计划)(?:就)?是(?P<o>.+)$", "act", "plans", "plan", "{s}的目标是{o}"),
    rule("plans.stated", "想", f"{SELF}想(?P<o>.+?)[，,]这(?:就)?是我的(?:目标|梦想|计划)", "act", "plans", "plan", "{s}打算{o}"),
)  # fmt: skip

_ANSWER = "(?:回答|回复|写|说|用|叫|称呼|给|加|发|推荐|提|解释|列|输出|翻译|讲|带|省|附|标|问)"

RULES = (
    rule("order.never", "别要许", "^(?P<o>(?:以后|今后|请|麻烦|永远|千万|从现在起|从今以后|以后都|再也)*(?:别再|不要再|不许再|别总|别老)(?=.*(?:给我|跟我|对我|叫我|用|推荐|提|发|加|写|称呼|回复|翻译|说教|喊我)).+)$", "whole", "asks_to", "rule",
         "{s}要求：{o}", unless="别再见|说了$|别再想"),
    rule("order.from_now", "以今从", f"^(?:以后|今后|从现在起|从今以后|从现在开始|从今天起|往后)(?:请|都|你|麻烦|的)*(?P<o>[^，]{{0,10}}?(?:{_ANSWER}|别|不要|不用).+)$", "whole", "asks_to", "rule",
         "{s}要求：{o}", unless="^以后我|我们?以后"),
    rule("order.always", "永一始每", f"^(?:请|麻烦)?(?:你)?(?P<o>(?:永远|一律|始终|每次|总是|所有)[^，]{{0,10}}?{_ANSWER}.+)$", "whole", "asks_to", "rule", "{s}要求：{o}",
         unless="我每次|为什么"),
    rule("order.to_me", "给跟回", "^(?P<o>(?:给我的|跟我|回复我|回答我|对我)[^，]{0,8}?(?:不要|别|要|用|都).+)$", "whole", "asks_to", "rule", "{s}要求：{o}"),
    rule("order.house", "规", f"^(?:{I}的?)?(?:家|公司|单位|宿舍)?(?:里)?(?:的)?(?:规矩|规定|原则|家规)(?:就)?是(?P<o>.+)$", "whole", "asks_to", "rule", "{p}规矩是{o}"),
    rule("order.reply", "不别", f"^{I}(?:一般|通常|平时)(?P<o>[^，]{{0,14}}不(?:回消息|接电话|开会|工作|回邮件|加班|见客|办公)[^，]*)$", "whole", "asks_to", "rule", "{s}{o}"),
)  # fmt: skip

LIFE = (*TASTE, *DOES, *EVENTS, *RULES)
NOTE = rule("note", "", "^(?P<o>.{4,60})$", "whole", "note", "fact", "{s}要求记住：{o}")
