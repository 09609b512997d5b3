"""Text from outside in logs and answers."""

from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import NotFoundError
from cad.base.printable import has_controls, printable, printable_lines


def test_controls_are_escaped_and_names_stay() -> None:
    assert printable("a\x1b[2J\r\n\0\x85\u2028b") == r"a\x1b[2J\r\n\x00\x85\u2028b"
    assert printable_lines("a\n\tb") == "a\n\\tb"
    assert printable("人员入侵\u3000a b") == "人员入侵\u3000a b"


@given(st.text())
def test_nothing_is_left_that_acts_on_a_terminal(text: str) -> None:
    assert not has_controls(printable(text))
    assert not has_controls(printable_lines(text).replace("\n", ""))
    assert printable(text) == text or has_controls(text)


def test_what_is_repeated_to_a_caller_is_printable() -> None:
    error = NotFoundError("a task", field="id", given="\x1b[2J\rerror cad forged")
    assert "(given: \\x1b[2J\\rerror cad forged)" in str(error)
