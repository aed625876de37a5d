"""The question put to a plugin of metrics: whether each registered one loads."""

from functools import partial

from brainscore_vision import load_metric

from .answers import registrations


def _loads(identifier: str) -> str:
    load_metric(identifier)
    return "load_metric"


def main() -> None:
    """Load all metrics of the plugin."""
    _, answers, registered = registrations()
    for identifier in dict.fromkeys(identifier for _, identifier in registered):
        answers.ask("loads", identifier, partial(_loads, identifier), "Let the metric be made without arguments.")


if __name__ == "__main__":
    main()
