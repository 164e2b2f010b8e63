from patchword.training.fingerprint import Fingerprint, digest


def fingerprint(training: list[bytes], validation: list[bytes]) -> Fingerprint:
    return Fingerprint("pairs", len(training), len(validation), digest(training), digest(validation))


def test_items_are_told_apart_by_content_order_and_where_they_end() -> None:
    assert len({digest(items) for items in ([], [b""], [b"ab"], [b"a", b"b"], [b"b", b"a"], [b"", b"ab"])}) == 6
    assert digest([b"a", b"b"]) == digest(iter([b"a", b"b"]))


def test_a_difference_says_what_changed() -> None:
    before = fingerprint([b"a"] * 2000, [b"b"])
    assert before.difference(before.as_dict()) is None
    shorter = fingerprint([b"a"] * 1999, [b"b"])
    assert shorter.difference(before.as_dict()) == "2,000 training pairs then, 1,999 now"
    other = fingerprint([b"a"] * 2000, [b"c"])
    assert other.difference(before.as_dict()) == "as many validation pairs as then, but not the same"
    assert before.difference({}) == "other training pairs then, 2,000 now"
