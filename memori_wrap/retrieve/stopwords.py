"""Words that carry no topic, by language (Snowball's names for the languages, short lists of our own).

They are left out of the lexical index and of what is embedded, and they tell in which language a text is written.
"""

from __future__ import annotations

_LISTS = {
    "english": """a about after again all also am an and any are aren't as at be because been before being but by can
        can't could couldn't did didn't do does doesn't doing don't down during each else ever for from get got had
        hadn't has hasn't have haven't having he he'd he'll he's her here hers herself him himself his how i i'd i'll
        i'm i've if in into is isn't it it's its itself just kind let's like likely may me might mine more most my
        myself no nor not of off on once only or other our ours ourselves out over own same shall she she'd she'll
        she's should shouldn't so some such than that that's the their theirs them themselves then there there's these
        they they'd they'll they're they've this those through to too type under until up us very was wasn't we we'd
        we'll we're we've were weren't what what's when where where's which while who who's whom whose why will with
        won't would wouldn't yes you you'd you'll you're you've your yours yourself yourselves""",
    "german": """aber alle als also am an auch auf aus bei bin bis bist da damit dann das dass dein deine dem den der
        des dich die dies diese dieser dir doch du durch ein eine einem einen einer eines er es euch für gegen habe
        haben hat hatte hatten ich ihm ihn ihr ihre im in ist ja jede kann kein keine können mal man mein meine meinem
        meinen meiner mich mir mit nach nicht noch nun nur ob oder ohne schon sehr sein seine sich sie sind so über um
        und uns unser unter viel vom von vor wann war waren warum was weil welche welcher wenn wer werden wie wieder
        wir wird wo wurde zu zum zur""",
    "french": """ai as au aux avec avez avons c'est ce ces cet cette dans de des du elle elles en est et eu eux il ils
        j'ai je la le les leur leurs lui ma mais me mes moi mon ne nos notre nous on ont ou où par pas plus pour
        pourquoi qu'il que quel quelle quelles quels qui quand sa sans se ses si son sont sur ta te tes toi ton tu un
        une vos votre vous était être""",
    "spanish": """al como con cual cuando cuál cuándo cómo de del donde dónde el ella ellos en era eres es esa ese eso
        esta este esto está estoy fue ha han has hay he la las le les lo los me mi mis mucho muy más nada ni no nos
        nosotros o para pero por porque que quien quién qué se ser si sin sobre son soy su sus sí también te tiene
        tengo tu tus un una uno usted y ya yo él""",
    "italian": """a ai al alla anche che chi ci come con cosa così cui da dal dalla dei del della delle di dove e era
        essere gli ha hai hanno ho i il in io la le lei lo loro lui ma mi mia mie miei mio nel nella noi non o perché
        per più quale quali quando quello questa questo sei si siamo sono su sua sue sui sul suo ti tra tu tua tuo un
        una uno vi voi è""",
    "portuguese": """ao aos as até com como da das de dela dele do dos e ela ele eles em entre era essa esse esta este
        estou está eu foi há isso isto já lhe mais mas me meu meus minha minhas muito na nas nem no nos nossa nosso
        não nós o onde os ou para pela pelo por porque qual quando que quem se sem ser seu seus só sou sua são também
        te tem tenho teu tua um uma você""",
    "dutch": """aan al als altijd ben bij dan dat de deze die dit doen door dus een en er ge geen had heb hebben heeft
        hem het hier hij hoe hun ik in is ja je jij kan kon maar me meer men met mij mijn moet na naar niet niets nog
        nu of om omdat onder ons ook op over te toen tot u uit van veel voor waar waren was wat we welke wel werd wie
        wij wil worden zal ze zelf zich zij zijn zo zonder zou""",
    "swedish": """alla allt att av blev bli blir da de dem den denna det detta dig din du där då efter ej eller en er
        ett från för ha hade han har hans henne hennes hon hur här i icke inte jag ju kan man med mellan men mig min
        mina mitt mot mycket ni nu när någon något några och om oss på samma sedan sig sin sina skulle som så till
        under upp ut vad var varför vem vi vid vilka vilken vill vår är över""",
    "danish": """af alle alt at blev blive bliver da de dem den denne der deres det dette dig din disse du efter eller
        en end er et for fra ham han hans har havde hende her hos hun hvad hvem hvis hvor hvornår i ikke ind jeg jer
        jo kan man med meget men mig min mine mit mod ned noget nogle nu når og også om op os over på selv sig sin
        skal som så til ud under var vi vil ville været""",
    "norwegian": """alle at av ble blir da de deg dem den denne der deres det dette din du eller en enn er et etter
        for fra før ha hadde han hans har henne her hun hva hvem hvis hvor hvorfor i ikke inn jeg kan man med meg men
        mer min mitt mot mye ned noe noen nå når og også om opp oss over på seg selv sin skal som så til under ut var
        ved vi vil være""",
    "finnish": """ei eivät en että hän hänen ja jo joka jos jotka kanssa koska kuin kuka kun me minkä minua minulla
        minun minä missä mikä milloin mitä mutta mukaan ne niin nyt ole olen oli olla on ovat se sen sinä sinun siis
        sitä tai te tämä vai vain voi""",
    "russian": """а без бы был была были было быть в вам вас весь во вот все всего вы где да для до его ее её если есть
        еще ещё же за и из или им их к как какая какие какой когда кто ли меня мне мой моя моё мы на нам нас не него
        нет но ну о об он она они оно от по под при с сам свой себя со так такой там то тоже только тот ты тебя у уже
        чем что чтобы это этот я""",
    "turkish": """acaba ama ben benim beni bana bir biz bu çok çünkü da daha de değil diye en gibi hangi hem hep her
        için ile ise kadar ki kim mi mı mu mü nasıl ne neden nerede o olan olarak sen senin siz şey şu var
        ve veya ya yok""",
}

STOP_WORDS: dict[str, frozenset[str]] = {language: frozenset(words.split()) for language, words in _LISTS.items()}
"""Language -> its stop words, case folded."""
