"""Show stimuli to a model at the size, in degrees of visual angle, at which subjects saw them."""

from pathlib import Path
from typing import Any

from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store.atomic import lock

SCREENS = ("degrees", "fullfield")
"""``degrees``: on a grey screen at the experiment's visual angle (Brain-Score's convention); ``fullfield``: the image
fills the model's field of view, as in the papers."""


def show(stimuli: StimulusSet, candidate: Any, source_degrees: float, screen: str) -> StimulusSet:
    """Stimuli as the candidate will see them.

    Parameters
    ----------
    stimuli : StimulusSet
    candidate : BrainModel
    source_degrees : float
        Width of the stimuli in the experiment, degrees of visual angle.
    screen : {"degrees", "fullfield"}

    Returns
    -------
    StimulusSet
        For ``degrees`` a converted set, kept by Brain-Score under the set's identifier (which carries its content
        hash).

    Raises
    ------
    BadInputError
        For an unknown screen.
    """
    if screen not in SCREENS:
        raise BadInputError(f"Got screen={screen!r}; expected one of {', '.join(SCREENS)}.")
    if screen == "fullfield":
        return stimuli
    from brainscore_vision.benchmark_helpers import screen as upstream

    degrees = candidate.visual_degrees()
    # Upstream empties the folder it converts into: two processes must not do so at once.
    with lock(f"screen-{stimuli.identifier}-{degrees}"):
        placed = upstream.place_on_screen(stimuli, target_visual_degrees=degrees, source_visual_degrees=source_degrees)
        if not all(Path(path).is_file() for path in placed.stimulus_paths.values()):
            # Upstream remembers paths, not files. Converting again fills the same paths.
            convert = upstream._place_on_screen.__wrapped__
            placed = convert(placed.identifier.split("--target")[0], stimuli, degrees, source_degrees)
    return placed
