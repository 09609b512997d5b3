"""How many analysis workers a machine gets, and what each is told."""

import pytest

from cad.config.settings import Settings
from cad.control.appliance import Commands, fleet_plan


def settings(accelerator: str, workers: int = 0) -> Settings:
    return Settings.model_validate(
        {
            "machine": {"code": "D1"},
            "analysis": {"accelerator": accelerator, "workers": workers},
        }
    )


@pytest.mark.parametrize(
    ("accelerator", "workers", "threads"), [("auto", 3, 2), ("cuda", 3, 2), ("cpu", 4, 2)]
)
def test_there_is_a_worker_for_each_card_that_may_be_used_else_for_two_cores(
    accelerator: str, workers: int, threads: int
) -> None:
    plan = fleet_plan(settings(accelerator), Commands.of("python"), cores=8, cards=3)
    assert (plan.workers, plan.program.settings.threads) == (workers, threads)


def test_the_configured_number_of_workers_goes_before() -> None:
    plan = fleet_plan(settings("auto", 2), Commands.of("python"), cores=4, cards=3)
    assert (plan.workers, plan.program.settings.threads) == (2, 2)
