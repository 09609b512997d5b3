import asyncio
import socket
import sys
from pathlib import Path

import pytest


async def cadd(tmp_path: Path, *words: str, settings: str = "") -> tuple[int | None, str]:
    """Run the daemon to its end; return its exit code and what it said."""
    (tmp_path / "cad.toml").write_text(
        f'[machine]\ndata_dir = "{tmp_path / "data"}"\n[ingest]\nfile_dirs = []\n'
        f'[api]\nhost = "127.0.0.1"\nsocket = "{tmp_path / "s"}"\n{settings}\n'
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cad.daemon", "--config", str(tmp_path / "cad.toml"), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_a_good_configuration_is_said_to_be_good(tmp_path: Path) -> None:
    assert await cadd(tmp_path, "--check-config") == (0, "configuration is good\n")


async def test_a_bad_configuration_ends_with_78_and_its_problems(tmp_path: Path) -> None:
    code, said = await cadd(tmp_path, settings="port = 70000")

    assert code == 78
    assert "api.port" in said


async def test_wrong_words_end_with_2(tmp_path: Path) -> None:
    code, _ = await cadd(tmp_path, "--frobnicate")

    assert code == 2


@pytest.mark.peer
async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = await cadd(tmp_path, settings=f"port = {port}")

    assert code == 1
    assert f"api.port {port}: Address already in use" in said
    assert "Traceback" not in said
