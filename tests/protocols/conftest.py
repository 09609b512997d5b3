"""Fixtures for the protocols: peers that speak them."""

import os
from pathlib import Path

import pytest

from tests.protocols.openssl import OpenSsl, knows_sm2


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSsl:
    """OpenSSL with a key pair of its own; only outside CI may it be missing."""
    if not knows_sm2() and "CI" not in os.environ:
        pytest.skip("the openssl on this machine does not know SM2")
    return OpenSsl(tmp_path)
