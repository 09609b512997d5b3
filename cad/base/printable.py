"""Makes text from outside fit for a line of a log or a terminal."""

import re

# C0, DEL and C1; the separators of lines and paragraphs; what turns the direction of writing.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROLS_BUT_NEWLINE = re.compile(rf"(?!\n){_CONTROLS.pattern}")


def has_controls(text: str) -> bool:
    """Whether `text` holds characters that would act on a terminal or begin a line."""
    return _CONTROLS.search(text) is not None


def printable(text: str) -> str:
    r"""Return `text` with such characters escaped as Python writes them: `\x1b`, `\n`."""
    return _CONTROLS.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """Return `text` likewise, its line ends kept."""
    return _CONTROLS_BUT_NEWLINE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]
