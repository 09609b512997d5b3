"""The features table of README."""

from tests.features import BEGIN, END, README, table


def test_readme_shows_what_the_tests_prove() -> None:
    assert f"{BEGIN}\n{table()}{END}" in README.read_text("utf-8"), "python -m tests.features"
