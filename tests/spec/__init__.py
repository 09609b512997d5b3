"""The JSON examples of T/BAX XXXX.4-2023, Annexes G, H, I; typing errors of the print repaired."""

import json
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent / "examples"


def example(name: str) -> Any:
    """Return the example in `name`.json."""
    return json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
