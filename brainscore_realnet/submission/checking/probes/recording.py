"""What a recording of many images costs: time and memory, each model in a process of its own."""

import resource
import sys
import time
from functools import partial

from brainscore_vision import load_model

from .answers import registrations
from .recordings import REGIONS, fresh_name, recorded, stimuli

_SIZE = 224


def _costs(identifier: str, n_images: int) -> str:
    model = load_model(identifier)
    shown = stimuli(fresh_name(), n_images, _SIZE)
    began = time.monotonic()
    for region in REGIONS:
        recorded(model, region, shown)
    seconds = time.monotonic() - began
    # Kilobytes, but for Apple's bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return f"{n_images} images, four regions in turn: {seconds:.1f} s, peak memory {peak / 1e9:.2f} GB"


def main() -> None:
    """Record the registered models."""
    n_images = int(sys.argv.pop())
    _, answers, registered = registrations()
    for _, identifier in registered:
        question = partial(_costs, identifier, n_images)
        answers.ask("recording", identifier, question, "Let it record any number of images in turn.")


if __name__ == "__main__":
    main()
