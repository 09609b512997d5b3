"""Cuts secrets out of text before it leaves the process."""

import re

MASK = "***"

# Greedy up to the last @ of the word: a password may itself hold an @ or a slash.
_USERINFO = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]*://)[^\s\"'<>]*@")
_PAIR = re.compile(
    r"(?i)((?:password|passwd|pwd|secret|token|authorization|api_?key)[\"']?\s*[=:]\s*[\"']?)"
    r"((?:bearer|basic|digest)\s+)?[^\s\"',;&}]+"
)

# Names of parameters under which webhooks take their secret; as plain words they mean too much.
_PARAMETER = re.compile(r"(?i)([?&](?:key|sk|sig|sign|signature|auth)=)[^&#\s\"'<>]+")


def redact(text: str) -> str:
    """Return `text` with the user part of URLs and the values of secret-looking pairs masked."""
    text = _PARAMETER.sub(rf"\g<1>{MASK}", _USERINFO.sub(r"\1", text))
    return _PAIR.sub(rf"\g<1>{MASK}", text)
