"""Which package replaces which, and what runs on what."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.control.packages.succession import aliases, precedence, predecessor, replaced_by
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.models import ModelInput, ModelSpec
from cad.domain.packages import (
    AlgoPackage,
    AlgorithmManifest,
    JournalEntry,
    Operation,
    PackageState,
    PackageType,
    ServiceSettings,
    Step,
)

MODEL = ModelSpec(
    task="detect", decoder="yolox", labels=("person",), input=ModelInput(width=64, height=64)
)
ORDERED = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
]
"""The examples of Semantic Versioning 2.0.0, clause 11, and more."""


def manifest(version: str, cabin: str = "person") -> AlgorithmManifest:
    return AlgorithmManifest(
        code=ServiceId(f"{cabin}-{version}"),
        name="person detection",
        version=version,
        kind=PackageType.BIN,
        cabin_name=cabin,
        event_types=(),
        model_path="model.onnx",
        model=MODEL,
    )


def package(
    version: str,
    cabin: str = "person",
    state: PackageState = PackageState.RUNNING,
    by: str | None = None,
) -> AlgoPackage:
    found = manifest(version, cabin)
    return AlgoPackage(
        code=found.code,
        file_package_id=FilePackageId(1),
        manifest=found,
        state=state,
        settings=ServiceSettings(),
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        replaced_by=ServiceId(by) if by else None,
    )


@given(st.sampled_from(ORDERED), st.sampled_from(ORDERED))
def test_versions_are_ordered_as_semantic_versioning_says(one: str, other: str) -> None:
    before = ORDERED.index(one) < ORDERED.index(other)
    assert (precedence(one) < precedence(other)) is before


def test_what_was_built_how_does_not_count() -> None:
    assert precedence("1.0.0+linux") == precedence("1.0.0+1")


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.2.0", "person-1.1.0"), ("1.1.0", "person-1.0.0"), ("1.0.0", None), ("0.9.0", None)],
)
def test_the_highest_lower_version_that_runs_is_replaced(
    version: str, expected: str | None
) -> None:
    here = [
        package("1.0.0"),
        package("1.1.0"),
        package("1.1.5", state=PackageState.STOPPED),
        package("1.1.0", "vehicle"),
    ]
    found = predecessor(manifest(version), here)
    assert (found.code if found else None) == expected


def test_a_chain_of_upgrades_ends_at_the_last() -> None:
    chain = [package("1.0.0", by="person-1.1.0"), package("1.1.0", by="person-1.2.0")]
    assert aliases(chain, ()) == {
        "person-1.0.0": "person-1.2.0",
        "person-1.1.0": "person-1.2.0",
    }
    assert replaced_by(ServiceId("person-1.2.0"), chain) == ["person-1.0.0", "person-1.1.0"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step.PREPARE, {}),
        (Step.SERVE, {}),
        (Step.SWITCH, {"person-1.0.0": "person-1.1.0"}),
        (Step.WATCH, {"person-1.0.0": "person-1.1.0"}),
        (Step.COMMIT, {"person-1.0.0": "person-1.1.0"}),
    ],
)
def test_tasks_run_on_the_new_one_from_the_switch_on(step: Step, expected: object) -> None:
    trial = JournalEntry(
        operation=Operation.UPGRADE,
        subject=ServiceId("person-1.1.0"),
        step=step,
        replaces=ServiceId("person-1.0.0"),
    )
    assert aliases([package("1.0.0"), package("1.1.0")], [trial]) == expected


def test_an_upgrade_taken_back_turns_the_alias_around() -> None:
    trial = JournalEntry(
        operation=Operation.UPGRADE,
        subject=ServiceId("person-1.0.0"),
        step=Step.WATCH,
        replaces=ServiceId("person-1.1.0"),
    )
    here = [package("1.0.0", by="person-1.1.0"), package("1.1.0")]
    assert aliases(here, [trial]) == {"person-1.1.0": "person-1.0.0"}
