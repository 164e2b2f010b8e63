"""Links that are known by a phrase's making."""

from patchword.demo.links import AlignedPhrase, aligned, part
from patchword.explain.words import text_words


def told(phrase: AlignedPhrase, links: frozenset[tuple[int, int]]) -> str:
    source, target = text_words(phrase.source), text_words(phrase.target)
    return " ".join(f"{source[s]}-{target[t]}" for s, t in sorted(links))


def test_a_part_of_one_word_is_surely_linked_with_all_of_its_translation() -> None:
    phrase = aligned(
        f"{part('May', 1)} {part('4', 2)}, {part('2026', 3)}", f"{part('2026', 3)}年{part('5', 1)}月{part('4', 2)}日"
    )
    assert (phrase.source, phrase.target) == ("May 4, 2026", "2026年5月4日")
    assert told(phrase, phrase.sure) == "May-5 4,-4 2026-2026"
    # What joins the parts on one side alone belongs to the parts that it touches.
    assert told(phrase, phrase.possible - phrase.sure) == "May-年 May-月 4,-年 4,-月 4,-日 2026-年"


def test_within_a_part_of_several_words_links_are_possible() -> None:
    phrase = aligned(f"{part('Isle of Man', 0)} and {part('Peru', 1)}", f"{part('马恩岛', 0)}和{part('秘鲁', 1)}")
    assert told(phrase, phrase.sure) == "and-和 Peru-秘 Peru-鲁"
    assert told(phrase, phrase.possible - phrase.sure) == " ".join(
        f"{s}-{t}" for s in ("Isle", "of", "Man") for t in "马恩岛"
    )


def test_what_joins_is_possibly_linked_with_what_joins() -> None:
    phrase = aligned(
        f"{part('Peru', 0)}, {part('Mali', 1)}, or {part('Cuba', 2)}",
        f"{part('秘鲁', 0)}、{part('马里', 1)}或{part('古巴', 2)}",
    )
    assert told(phrase, phrase.sure) == "Peru,-秘 Peru,-鲁 Mali,-马 Mali,-里 Cuba-古 Cuba-巴"
    assert told(phrase, phrase.possible - phrase.sure) == "Peru,-、 Peru,-或 Mali,-、 Mali,-或 or-、 or-或"


def test_a_part_may_stand_apart() -> None:
    phrase = aligned(f"{part('in', 1)} {part('5', 0)} {part('minutes', 1)}", f"{part('5', 0)} {part('分钟后', 1)}")
    assert told(phrase, phrase.sure) == "5-5"
    assert len(phrase.possible) == 1 + 2 * 3
