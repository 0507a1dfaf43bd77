# ruff: noqa: E501 (wide letters count twice)
"""Rules for who somebody is: name, home, work, body, people and animals. See ``grammar.Rule``."""

from __future__ import annotations

from memori_wrap.augment.extract.chinese import words as w
from memori_wrap.augment.extract.chinese.rule import ME, SELF, THEIR, I, both, rule

_NUMBER = r"(?:\d{1,3}|[零一二三四五六七八九十两百]{1,4})"
_PAST = "过|以前|那会儿|当年|曾经|之前|从前|小时候|退休前|当时"
_COUNT = "(?:[一二两三四五六七八九十几兩]|\\d{1,2})?"
_ORG = rf"(?:一家|一个|一间|某家|某)?[^，]{{0,10}}?{w.either(w.ORGS)}"
_CITY = f"{w.either(w.PLACES)}[㐀-鿿]{{0,4}}?"
_DOING = "(?:做|当|工作|上班|打工|开|生活|读|念|教|租房|创业|卖|干|务工|任教|定居|一家|送|跑)"

SELF_RULES = (
    rule("name", "叫名", f"^{I}(?:的)?(?:名字|全名|真名|大名|中文名)?(?:就)?(?:叫做?|是叫)(?P<o>.+)$", "name", "name", "attribute", "{p}名字是{o}",
         unless="别人|大家"),
    rule("name.is", "名", f"^(?:{I}的?)?(?:名字|全名|真名)(?:叫做?|是)(?P<o>.+)$", "name", "name", "attribute", "{p}名字是{o}"),
    rule("name.surname", "姓", f"^{I}(?:就)?姓(?P<o>.+)$", "surname", "name", "attribute", "{s}姓{o}"),
    rule("called", "叫喊", "^(?:大家|朋友们?|同事们?|别人|家里人|他们|同学们?|网友们?|圈里人)(?:平时|一般)?(?:都)?(?:叫|喊|管)我(?:叫)?(?P<o>.+)$", "name",
         "called", "attribute", "{s}被叫做{o}"),
    rule("called.me", "叫喊", "^(?:你|您)?(?:就|可以|以后|也可以|请)?(?:叫|喊|称呼)我(?P<o>[^，]{1,8}?)(?:就行|就好|吧|即可|就可以)?了?$", "name", "called",
         "attribute", "{s}希望被叫做{o}", unless="怎么|别|不"),
    *both("age", "岁歲", rf"(?P<o>{_NUMBER}[岁歲])(?:半)?了?$", "whole", "age", "attribute", "{o}", me=ME, unless="岁(?:前|后|那年|时)"),
    *both("birthday", "生", "(?:的)?生日(?:是|在)?(?P<o>(?:农历|阳历|阴历|公历)?.{0,8}(?:月|初|[./-]).{1,6})$", "whole", "birthday", "event", "的生日是{o}"),
    *both("born", "生", r"(?:是)?(?P<o>\d{4}年[^，]{0,10}?)(?:出生|生)的?$", "whole", "birthday", "event", "{o}出生"),
    rule("email", "邮@", f"^(?:{I}的?)?(?:新)?(?:邮箱|邮件|电子邮件)(?:地址)?(?:是|：|:)? ?(?P<o>[\\w.+-]+@[\\w.-]+)", "whole", "email", "attribute", "{p}邮箱是{o}"),
    rule("phone", "电手号话", f"^(?:{I}的?)?(?:新)?(?:电话|手机|手机号|电话号码|手机号码|号码)(?:是|：|:|换成了?)? ?(?P<o>\\+?\\d[\\d -]{{5,16}}\\d)", "whole", "phone",
         "attribute", "{p}电话是{o}"),
    *both("from", "人", f"(?:是|来自|老家(?:在|是)?)(?:土生土长的|地道的|地地道道的)?(?P<o>{w.either(w.PLACES)}[㐀-鿿]{{0,4}}人)$", "whole", "comes_from",
          "attribute", "是{o}"),
    *both("from.home", "老来籍", "(?:的)?(?:老家|籍贯|家乡|来自)(?:在|是)?(?P<o>.+)$", "place", "comes_from", "attribute", "来自{o}"),
    *both("home", "住居", "(?:住在|居住在|定居在?|住|長住|常住)(?P<o>.+?)$", "home", "lives_in", "attribute", "{n}住在{o}", unless=_PAST + "|住院|住校|住不|住了|住得"),
    *both("home.in", "在", f"(?:人)?在(?P<o>{_CITY})(?={_DOING})", "place", "lives_in", "attribute", "住在{o}", me=ME, unless=_PAST + "|出差|旅游|旅行|开会|机场|路上"),
    *both("home.at", "在", "(?:人)?在(?P<o>.+)$", "place", "lives_in", "attribute", "在{o}", unless=_PAST + "|正在|出差|旅游|旅行|开会|度假|路上|机场|车站|高铁|看病|玩|有|没|等|转机"),
    rule("home.rent", "房租", f"^{I}(?:租|买)的?房子?在(?P<o>.+)$", "place", "lives_in", "attribute", "{s}住在{o}"),
    rule("home.estate", "家", "^我家(?:小区|住的小区)叫(?P<o>.+)$", "name", "lives_in", "attribute", "{s}住在{o}"),
    rule("home.coordinates", "坐", "^(?:我)?坐标(?:在|是|：|:)?(?P<o>.+)$", "place", "lives_in", "attribute", "{s}住在{o}"),
    rule("home.moved", "搬", f"{ME}(?:从[^，]{{1,6}})?(?:搬到|搬去|搬来|移居到?)了?(?P<o>[^，]+?)(?:了|来|住|去)*$", "home", "lives_in", "attribute", "{s}搬到{o}",
         unless="想搬|要搬|打算|准备|计划|可能"),
    rule("home.moved_from", "搬", f"{ME}从(?P<o>[^，]{{1,6}}?)搬", "place", "lives_in", "attribute", "{s}不再住在{o}", ends=True, unless="想搬|要搬|打算|准备|计划"),
    *both("work.in", "做当當任从", f"(?:在(?:{_ORG}|{_CITY}|[^，]{{1,8}}?))?(?:做|当|當|担任|从事)(?:了)?(?P<o>.+?)$", "job", "works_as", "attribute", "的工作是{o}",
          me=ME, unless=_PAST + "|希望|想当|想做|去当|要当|适合|以为"),
    *both("work.is", "是", "是(?P<o>.+)$", "job", "works_as", "attribute", "是{o}", me=ME, unless=_PAST + "|不是"),
    *both("work.teach", "教", "(?:在[^，]{1,8}?)?(?P<o>教(?:语文|数学|英语|物理|化学|生物|历史|地理|政治|体育|音乐|美术|钢琴|舞蹈|书法|游泳|日语|法语|德语|编程|瑜伽|小提琴|吉他|中文|汉语))(?:的)?$",
          "whole", "works_as", "attribute", "的工作是{o}", unless=_PAST),
    *both("work.doer", "的", "是(?P<o>(?:种|卖|修|教|开|做|跑|画|拍|写)(?!玩笑|心)[^，]{1,8})的$", "whole", "works_as", "attribute", "的工作是{o}", unless=_PAST),
    rule("work.bare", "员师生护士计", "^(?P<o>(?:前端|后端|高级|资深|小学|中学|高中|初中|语文|数学|英语|设计|软件|土木)*(?:程序员|工程师|设计师|老师|教师|护士|医生|会计|公务员))(?:一枚|一个|一名)?$",
         "job", "works_as", "attribute", "{s}是{o}", after="^(?:坐标|我|本人|[^他她它你是]{0,6}[岁座年])"),
    *both("work.retired", "退", "(?P<o>退休(?:老)?(?:[^，前后]{0,6}))(?:一个|一枚|一名|了)?$", "whole", "works_as", "attribute", "{o}", me=ME, unless="想|要|打算|前"),
    rule("work.sell", "卖送", f"{ME}(?:毕业后|毕业以后)?(?P<o>(?:卖(?:保险|房|车|水果|衣服|烧烤|早餐|化妆品)|送(?:外卖|快递)))(?:为生|的)?$", "whole", "works_as",
         "attribute", "{s}的工作是{o}"),
    *both("work.runs", "开経营", f"(?:在[^，]{{1,8}}?)?(?:开|经营)(?:了|着)?(?:一)?(?:家|个|间|所)?(?P<o>(?:[㐀-鿿]{{0,4}}){w.BUSINESSES})(?!的)(?=$|[，了叫])", "whole", "works_as",
          "attribute", "经营{o}", me=ME, unless=_PAST + "|想开|打算|梦见"),
    rule("work.passed", "考", f"{ME}考上了?(?P<o>[^，]+)$", "job", "works_as", "attribute", "{s}成为{o}"),
    *both("work.at", "在", f"(?:是)?在(?P<o>{_ORG})(?:里)?(?=做|当|上班|工作|任|担任|打工|实习|干|开|教|$)", "organisation", "works_at", "attribute", "在{o}工作", me=ME,
          unless=_PAST + "|看病|住院|在(?:医院|酒店|餐厅|饭店|机场|图书馆|超市|学校|博物馆|法院|银行|工地|[^，]{0,4}店)$"),
    *both("studies", "读念上", "(?:在[^，]{1,8})?(?:读|念|上)(?P<o>(?:博士后?|硕士|研究生|本科|大[一二三四]|高[一二三]|初[一二三]|小学[一二三四五六]年级|小学|初中|高中|大学|"
          "幼儿园|[㐀-鿿]{2,6}专业))", "whole", "studies", "attribute", "在读{o}", unless=_PAST + "|考|想"),
    *both("studied", "学念读", "(?:大学|本科|研究生|硕士|博士)(?:的时候)?(?:学|念|读)的?(?:是)?(?P<o>.+)$", "learnt", "studied", "attribute", "学过{o}"),
    rule("studied.at", "毕", f"{ME}毕业于(?P<o>[^，]{{2,12}})$", "whole", "studied", "attribute", "{s}毕业于{o}"),
)  # fmt: skip

BODY_RULES = (
    *both("allergic", "敏", "对(?P<o>[^，]{1,8}?)(?:严重|轻微|有点|会|特别|非常)?过敏", "things", "allergic_to", "rule", "对{o}过敏", unless="不过敏|是不是"),
    *both("allergic.to", "敏", "(?P<o>(?!{_KIN})[^，对有是不没]{1,6}?)(?:严重|轻微)?过敏$".replace("{_KIN}", w.either(w.KIN)), "things", "allergic_to", "rule", "对{o}过敏"),
    rule("allergic.doctor", "敏", "^(?:医生|大夫)说我对(?P<o>[^，]{1,8}?)过敏", "things", "allergic_to", "rule", "{s}对{o}过敏"),
    *both("condition", "有患得查诊", f"(?:有|患有|患了|患|得了|得过|查出来?了?(?:有|是)?|查出来|被?确诊(?:了|为)?)(?:严重的|轻度|轻微|中度|重度|慢性|点)?(?P<o>{w.ILLNESSES})",
          "whole", "condition", "attribute", "有{o}", me=ME, unless="没有|没得"),
    *both("condition.is", "症病视盲敏障弱眠受恐", f"(?:是|长期|重度|轻度)?(?P<o>(?:{w.ILLNESSES}|近视[\\d一二两三四五六七八九十百多]+度?))(?:患者)?(?:了)?$", "whole",
          "condition", "attribute", "有{o}"),
    rule("condition.also", "有散", f"^{I}还有(?P<o>{w.ILLNESSES})$", "whole", "condition", "attribute", "{s}有{o}"),
    rule("condition.intolerant", "受", "(?:^|我)(?P<o>[㐀-鿿]{2}不耐受)", "whole", "condition", "attribute", "{s}{o}"),
    rule("condition.doctor", "医大", f"^(?:医生|大夫)说我(?:有|得了|是)(?P<o>{w.ILLNESSES})", "whole", "condition", "attribute", "{s}有{o}"),
    *both("pregnant", "孕", "(?P<o>怀孕)(?!吗)", "whole", "condition", "attribute", "{o}", unless="没怀|备孕|想"),
    *both("body.height", "高重", r"(?P<o>(?:身高|体重)[\d.一二两三四五六七八九十米百]+(?:米|厘米|公分|斤|公斤|cm|kg)?[\d一二三四五六七八九十]*)", "whole", "body", "attribute", "{o}"),
    *both("body.left", "左", "(?:是)?(?:个)?(?P<o>左撇子|左利手)", "whole", "body", "attribute", "是{o}", unless="不是"),
    *both("religion", "信徒教林", "(?:信(?:仰)?(?P<o>(?:佛教?|基督教?|天主教?|伊斯兰教?|道教?|耶稣|主)))", "whole", "religion", "attribute", "信{o}", unless="不信"),
    *both("religion.is", "徒林", "是(?:个|一名|一个|虔诚的)?(?P<o>佛教徒|基督徒|天主教徒|穆斯林|道教徒|无神论者|回民)", "whole", "religion", "attribute", "是{o}", unless="不是"),
)  # fmt: skip

PEOPLE_RULES = (
    rule("named.after", "是", f"^(?P<o>[㐀-鿿]{{2,4}})是{I}(?:的)?(?P<rel>{w.either(w.KIN)})$", "name", "named", "relationship",
         "{p}{rel}叫{o}", subject="{s}的{rel}"),
    rule("their.email", "邮", f"{THEIR}(?:的)?(?:邮箱|邮件|电子邮箱)(?:地址)?(?:是|：|:) ?(?P<o>[\\w.+-]+@[\\w.-]+)", "whole", "email",
         "relationship", "{p}{rel}{who}的邮箱是{o}", subject="{s}的{rel}{who}"),
    rule("their.phone", "电手号", f"{THEIR}(?:的)?(?:联系)?(?:电话|手机号|手机|号码)(?:号码|号)?(?:是|：|:) ?(?P<o>\\+?[0-9][0-9 -]{{5,16}}[0-9])", "whole",
         "phone", "relationship", "{p}{rel}{who}的电话是{o}", subject="{s}的{rel}{who}"),
    *both("work.employer", "单公", "(?:的)?(?:那个)?(?:工作)?(?:单位|公司|上班的公司)(?:名)?(?:是|叫)(?P<o>[^，]{2,24})$", "whole", "works_at", "attribute",
          "在{o}工作", unless="规|我们公司是"),
    rule("named", "叫名", f"{THEIR}(?:的)?(?:名字|大名|小名|名)?(?:叫做?|是叫)(?P<o>[^，的]+)$", "name", "named", "relationship", "{p}{rel}叫{o}", subject="{s}的{rel}"),
    rule("named.surname", "姓", f"{THEIR}姓(?P<o>[^，]+)$", "surname", "named", "relationship", "{p}{rel}姓{o}", subject="{s}的{rel}"),
    rule("named.by", "小阿老", f"^{I}(?:家|的)?(?P<rel>{w.either(w.KIN)})(?P<o>[小阿][㐀-鿿])(?=今年|在|是|上|去|最|很|特|不|喜|的|也|刚|昨|明)", "name", "named", "relationship",
         "{p}{rel}叫{o}", subject="{s}的{rel}"),
    rule("kin.named", "叫", f"^{I}有(?:一)?(?:个|位)(?P<rel>{w.either(w.KIN)})(?:，)?叫(?P<o>.+)$", "name", "named", "relationship", "{p}{rel}叫{o}", subject="{s}的{rel}"),
    rule("kin", "有", f"{SELF}有(?P<o>{_COUNT}(?:个|位){w.either(w.KIN)})(?:了)?$", "whole", "has_relative", "relationship", "{s}有{o}", unless="没有"),
    rule("partner.ended", "分离", "^" + "(?:[^，]{0,6})?" + f"{I}(?:已经)?(?:和|跟|与)(?P<o>[^，]{{1,4}}?)(?:已经|上周|上个月|去年|昨天|最近|前天|刚)?(?:分手|离婚|分开)了?", "person_or_kin",
         "partner", "relationship", "{s}和{o}分开了", ends=True),
    rule("partner", "结订", f"{SELF}(?:和|跟|与)(?P<o>[^，]{{2,4}}?)(?:已经|上周|上个月|去年|昨天|最近|刚)?(?:结婚|订婚|领证|在一起)", "person_or_kin", "partner",
         "relationship", "{s}和{o}在一起"),
    rule("pets", "养養收", f"{SELF}(?:领养|收养|养|養|收留)(?:了|着|的是|過|有)?(?P<o>{_COUNT}(?:只|隻|条|匹|缸|头|个|窝|對|对)?[㐀-鿿]{{0,4}}?{w.PETS})(?:了)?(?=$|叫|，)", "whole",
         "has", "relationship", "{s}养{o}", unless="不养|不能养|想养|没养"),
    rule("pets.have", "有", f"{SELF}有(?P<o>{_COUNT}(?:只|隻|条|匹|缸)[㐀-鿿]{{0,4}}?{w.PETS})(?=$|叫|，)", "whole", "has", "relationship", "{s}有{o}", unless="没有"),
)  # fmt: skip

PERSON = (*SELF_RULES, *BODY_RULES, *PEOPLE_RULES)
