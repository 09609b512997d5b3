"""Names of cards, in all the styles of the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.domain.accelerators import (
    REGISTRY,
    Accelerator,
    capacities_on,
    comparable,
    find_accelerator,
    is_same_card,
)
from cad.domain.packages import Capacity


def capacity(vendor: str, accelerator: str, resolution: str = "PIXELS_200W") -> Capacity:
    return Capacity(
        vendor=vendor,
        accelerator=accelerator,
        quota=0.5,
        limit=0,
        resolution=resolution,
        stream_video_quota=6,
        stream_capture_quota=0,
        analyze_quota=0,
    )


@pytest.mark.row("PKG-08")
@pytest.mark.parametrize(
    ("name", "xpu_type", "gpu_type"),
    [
        ("NVIDIA_T4", "NVIDIA_T4", "NVIDIA T4"),
        ("nvidia-p4", "NVIDIA_P4", "NVIDIA P4"),
        ("NVidia A2", "NVIDIA_A2", "NVIDIA A2"),
        ("Nvidia A2", "NVIDIA_A2", "NVIDIA A2"),
        ("NVidia 2070", "NVIDIA_2070", "NVIDIA 2070"),
        ("NVIDIA GeForce RTX 2070", "NVIDIA_2070", "NVIDIA 2070"),
        ("Huawei Ascend 310P", "HUAWEI_ASCEND_310P", "Huawei Ascend 310P"),
    ],
)
def test_every_printed_style_is_the_same_card(name: str, xpu_type: str, gpu_type: str) -> None:
    card = find_accelerator(name)
    assert card is not None
    assert (card.xpu_type, card.gpu_type) == (xpu_type, gpu_type)


def test_an_unknown_card_passes_through() -> None:
    assert find_accelerator("ACME X-1") is None
    assert is_same_card("ACME X-1", "acme_x1")
    assert not is_same_card("ACME X-1", "ACME X-2")


@pytest.mark.row("PKG-07", part="tasks are not refused by it yet")
def test_a_card_has_the_capacities_that_the_manifest_gives_it() -> None:
    a2, a2_larger = capacity("NVidia", "A2"), capacity("NVIDIA", "A2", "PIXELS_400W")
    here = [a2, a2_larger, capacity("NVidia", "T4")]
    assert capacities_on("NVIDIA_A2", here) == [a2, a2_larger]
    assert capacities_on("", here) == here
    assert capacities_on("NVIDIA_P4", here) == []


@given(st.sampled_from(REGISTRY), st.sampled_from([" ", "_", "-", ""]), st.booleans())
def test_no_spelling_changes_the_card(card: Accelerator, between: str, upper: bool) -> None:
    name = between.join((card.vendor, card.model))
    assert find_accelerator(name.upper() if upper else name.lower()) == card


@given(st.text(max_size=30), st.text(max_size=30))
def test_names_with_the_same_letters_and_digits_are_the_same_card(one: str, other: str) -> None:
    assert is_same_card(one, other) is is_same_card(other, one)
    assert comparable(one) != comparable(other) or is_same_card(one, other)
