"""Words that end with a stop which ends no sentence, and words that sentences begin with, by language."""

from functools import cache

# A run of dotted letters, such as z. B. or u.s.w., is written here without blanks and without its last stop.

# What always goes on: titles before names, and words that introduce something.
_GOES_ON = {
    "en": (
        "Mr Mrs Ms Mx Dr Prof Rev Hon Gen Col Capt Cpt Cmdr Maj Lt Sgt Sen Rep Gov Pres Messrs Mt Ft Ave Gov Supt "
        "vs e.g i.e cf viz approx resp incl excl esp ed eds trans St"
    ),
    "de": (
        "Hr Hrn Fr Frl Dr Prof Dipl Ing Hl St Frhr z.B z.b d.h i.d.R i.A i.V u.a o.g s.o s.u z.T z.Zt zz zzt bzw "
        "ca vgl evtl ggf inkl exkl bspw sog gem lt insb insbes ehem gest geb ger usf od einschl ausschl mind max "
        "min bes eigtl entspr gegr allg urspr versch zzgl abzgl jew Mag"
    ),
    "fr": ("M MM Mme Mmes Mlle Mlles Me Mgr Dr Pr St Ste p.ex c.-à-d c-à-d env cf éd trad resp"),
    "es": ("Sr Sra Srta Sres Dr Dra D Dña Prof Lic Ing p.ej aprox cf Ud Uds"),
    "it": ("Sig Sigg Sig.ra Dott Dr Prof Ing Avv On Rev p.es cfr ecc"),
    "pt": ("Sr Sra Srta Dr Dra Prof Profa Eng p.ex aprox cf"),
    "nl": ("dhr mevr mr drs dr ir ing prof bijv bv d.w.z m.b.t o.a t.o.v i.p.v ca vgl"),
}
# What goes on where a number follows.
_BEFORE_NUMBERS = {
    "en": (
        "No Nos no nos Vol vol Vols Fig Figs fig figs p pp P Ch ch Chap chap Sec sec Art art Tab Eq eq Rev v ver "
        "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Op op Pt pt Ex ca c"
    ),
    "de": (
        "Nr Nrn nr Bd Bde Abb Tab Kap S Art Abs Ziff Z Anm Fn Tel Hs Jg Jh H Aufl Jan Feb Mär Apr Jun Jul Aug Sep "
        "Sept Okt Nov Dez Mio Mrd"
    ),
    "fr": ("n no nos vol t p pp fig chap art janv févr avr juil sept oct nov déc tél al"),
    "es": ("núm n pág págs p vol art cap fig tel"),
    "it": ("n pag pagg p vol art cap fig tel"),
    "pt": ("n núm pág págs p vol art cap fig tel"),
    "nl": ("nr nrs blz p vol art hfdst afb tel"),
}
# What may end a sentence and may not: the next word decides.
_MAY_END = {
    "en": (
        "etc al Inc Ltd Co Corp Bros Jr Sr a.m p.m A.M P.M U.S U.K U.N E.U U.S.A U.S.S.R Ph.D M.D B.A M.A B.Sc "
        "M.Sc D.C L.A N.Y Esq Dept Univ Assn Est est Blvd Rd"
    ),
    "de": (
        "usw etc u.s.w u.ä u.Ä o.ä o.Ä dgl u.dgl v.Chr n.Chr u.v.m uvm u.a.m Str Co Mio Mrd Std Min Sek Tsd Jh "
        "Jhd Chr e.V a.D i.R d.J d.M d.Ä d.J a.M h.c"
    ),
    "fr": ("etc av.J.-C apr.J.-C J.-C Cie bd av boul"),
    "es": ("etc EE.UU a.C d.C S.A Cía Avda"),
    "it": ("ecc a.C d.C S.p.A"),
    "pt": ("etc a.C d.C S.A Cia Av"),
    "nl": ("enz etc e.d v.Chr n.Chr"),
}
# Small words that sentences begin with, where a name would hardly go on.
_BEGINNINGS = {
    "en": (
        "The A An He She It They We I You This That These Those There Here In On At By For From To With After "
        "Before But And Or So If When While As Since Because Although However Then Now What Who Why How Where "
        "Which My Our His Her Their Its Your Not No Yes All Some Many Most Both Each Every One Two Even Only Also "
        "Just Please Let Is Are Was Were Do Does Did Can Could Will Would Should Has Have Had"
    ),
    "de": (
        "Der Die Das Den Dem Des Ein Eine Einen Einem Einer Er Sie Es Wir Ich Du Ihr Man Und Aber Oder Doch Denn "
        "Dann Da Dort Hier In Im Am An Auf Aus Bei Beim Mit Nach Von Vom Vor Zu Zum Zur Für Ohne Durch Über Unter "
        "Um Wenn Als Weil Ob Wer Was Wie Wo Warum Wann Diese Dieser Dieses Diesen Diesem Jedoch Auch Nur Nicht "
        "Kein Keine Sein Seine Mein Meine Unser Unsere Alle Alles Viele Manche So Jetzt Heute Gestern Danach "
        "Dabei Damit Trotzdem Seit Bis Ja Nein"
    ),
    "fr": (
        "Le La Les Un Une Des Du De Il Elle Ils Elles On Nous Vous Je Tu Ce Cet Cette Ces Cela Ça Et Mais Ou Donc "
        "Car Dans En À Au Aux Avec Pour Par Sur Sous Sans Si Quand Lorsque Comme Qui Que Où Son Sa Ses Mon Ma Mes "
        "Notre Leur Tout Tous Puis Alors Après Avant Ici Là Oui Non Ne"
    ),
    "es": (
        "El La Los Las Un Una Él Ella Ellos Yo Tú Usted Y Pero O En De Con Por Para Si Cuando Como Que Qué Su Sus "
        "Este Esta Esto No Sí También Después"
    ),
    "it": (
        "Il Lo La I Gli Le Un Una Egli Lei Loro Io Tu Noi E Ma O In Di Da Con Per Su Se Quando Come Che Chi "
        "Questo Questa Non Sì Anche Poi"
    ),
    "pt": (
        "O A Os As Um Uma Ele Ela Eles Eu Tu Você Nós E Mas Ou Em No Na De Do Da Com Por Para Se Quando Como Que "
        "Este Esta Isto Não Sim Também Depois"
    ),
    "nl": (
        "De Het Een Hij Zij Ze Ik Jij Je Wij We En Maar Of In Op Aan Met Voor Van Naar Bij Als Toen Omdat Wie Wat "
        "Waar Hoe Dit Dat Deze Die Niet Geen Ook Dan Nu"
    ),
}
_MONTHS = "Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember"
# Before a number with a stop they make it an ordinal: "am 1. Tag", "der 2. Weltkrieg".
_ORDINAL_BEFORE = (
    "am der die das den dem des im in vom zum zur beim bis seit ab und oder zu von ihr ihrem ihren sein "
    "seinem seinen mein meinem unser unserem jeder jeden jedem dieser diesem diesen Am Der Die Das Den Dem "
    "Des Im In Vom Zum Zur Beim Bis Seit Ab"
)
MONTHS = frozenset(_MONTHS.split())
ORDINAL_BEFORE = frozenset(_ORDINAL_BEFORE.split())


@cache
def goes_on(language: str) -> frozenset[str]:
    """Words after whose stop a sentence always goes on; of every language if this one is not known."""
    return _words(_GOES_ON, language)


@cache
def before_numbers(language: str) -> frozenset[str]:
    """Words after whose stop a sentence goes on where a number follows."""
    return _words(_BEFORE_NUMBERS, language)


@cache
def may_end(language: str) -> frozenset[str]:
    """Abbreviations that sentences may end with."""
    return _words(_MAY_END, language)


@cache
def beginnings(language: str) -> frozenset[str]:
    """Words that a sentence begins with rather than that a name goes on with."""
    return _words(_BEGINNINGS, language)


def _words(tables: dict[str, str], language: str) -> frozenset[str]:
    chosen = [tables[language]] if language in tables else list(tables.values())
    return frozenset(word for words in chosen for word in words.split())
