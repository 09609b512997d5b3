from pathlib import Path

import pytest

from cad.base.errors import BadValueError
from cad.config.secret_file import read_secret_file


def test_the_first_line_is_the_secret(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"top secret\r\nremark\n")
    assert read_secret_file(tmp_path / "s", "kafka.password_file") == "top secret"


@pytest.mark.parametrize("content", [None, b"", b"\nsecond", b"\xff\xfe"])
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "s").write_bytes(content)
    with pytest.raises(BadValueError) as caught:
        read_secret_file(tmp_path / "s", "kafka.password_file")
    assert caught.value.field == "kafka.password_file"
