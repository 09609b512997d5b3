"""Messages stay short, whatever they are about."""

from cad.base.errors import shorten, some_of


def test_few_things_are_named_and_many_counted() -> None:
    assert some_of([]) == ""
    assert some_of(["a", 2]) == "a; 2"
    assert some_of(range(10), ", ") == "0, 1, 2, 3, 4, 5, 6, 7, and 2 more"


def test_what_was_given_is_cut() -> None:
    assert len(shorten("x" * 1000)) == 80
