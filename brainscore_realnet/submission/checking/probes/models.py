"""Questions put to a plugin of models, each registered one on its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from brainscore_core.plugin_management.import_plugin import ImportPlugin
from brainscore_vision import load_model, load_model_bibtex
from brainscore_vision.model_helpers.activations.cache_key import model_cache_identifier
from brainscore_vision.model_helpers.brain_transformation import RegionLayerMap
from brainscore_vision.model_interface import BrainModel

from .answers import Failed, Noted, NotRun, registrations, told
from .recordings import REGIONS, difference, faults, fresh_name, recorded, stimuli

_TOLERANCE = 1e-5
_ENDS = ("V1", "IT")
"""Regions that are asked again: what is wrong between them shows in the last."""

_NO_SUCH_REGION = (KeyError, NotImplementedError, AssertionError)
"""What recording a region raises that has no layer, or one that the network lacks."""

_REVISION_OF_STIMULI = "BRAINSCORE_DATA_PLUGIN_SHA"
_AS_IT_WAS = "Make look_at and start_recording depend on nothing but the weights and the images."


class _Model:
    """One loaded model and what it answered first."""

    def __init__(self, folder: str, identifier: str, others: list[str]):
        self.folder, self.identifier, self._others = folder, identifier, others
        self.model: Any = None
        self.first: dict[str, Any] = {}
        self.steady = False

    def loads(self) -> str:
        self.model = load_model(self.identifier)
        return "load_model"

    def named(self) -> str:
        if self.model.identifier != self.identifier:
            raise Failed(
                f"the model calls itself {self.model.identifier!r}",
                f"Give the model the identifier that it is registered under, {self.identifier!r}.",
            )
        return "the model bears the identifier that it is registered under"

    def cacheable(self) -> str:
        wrapper = getattr(self.model, "activations_model", None)
        if "/" in self.identifier:
            raise Failed("a / in the identifier", "Take an identifier that can be part of a file name.")
        if wrapper is None or not getattr(wrapper, "identifier", None):
            raise Noted("no activations_model with an identifier: activations are not stored", "Nothing.")
        advice = f"Give the wrapper the identifier {self.identifier!r}, with nothing added to it."
        if model_cache_identifier(wrapper.identifier) is None or "/" in wrapper.identifier:
            raise Failed(f"no revision for the wrapper's identifier {wrapper.identifier!r}: nothing is stored", advice)
        found = ImportPlugin("brainscore_vision", "models", wrapper.identifier).plugin_dirname
        if found != self.folder:
            raise Failed(f"the wrapper's identifier {wrapper.identifier!r} belongs to plugin {found}", advice)
        return "activations can be stored under the identifier and the plugin's revision"

    def regions(self) -> str:
        layer_map = getattr(getattr(self.model, "layer_model", None), "region_layer_map", None)
        if isinstance(layer_map, RegionLayerMap):
            raise Failed(
                "no region-layer map: layers would be selected with data from the network",
                "Give ModelCommitment region_layer_map={'V1': …, 'V2': …, 'V4': …, 'IT': …}, or put them into "
                f"region_layer_map/{self.identifier}.json.",
            )
        wrong: list[str] = []
        errors: dict[str, Exception] = {}
        for region in REGIONS:
            shown = stimuli(fresh_name())
            try:
                answer = recorded(self.model, region, shown)
            except Failed:
                raise
            except Exception as error:
                errors[region] = error
                continue
            if found := faults(answer, shown):
                wrong.append(f"{region}: {', '.join(found)}")
            self.first[region] = answer
        none_is_meant = layer_map is None or all(isinstance(one, NotImplementedError) for one in errors.values())
        if not self.first and none_is_meant and self._does_a_task():
            raise Noted("no region can be recorded; the model does tasks", "Nothing, where that is meant.")
        for one in errors.values():
            if not isinstance(one, _NO_SUCH_REGION):
                raise one
        if errors:
            wrong.append(f"{', '.join(errors)} cannot be recorded ({told(next(iter(errors.values())))})")
        if wrong:
            raise Failed("; ".join(wrong), "Give all of V1, V2, V4 and IT a layer whose values vary over images.")
        return ", ".join(f"{region} {self.first[region].shape[1]} neuroids" for region in REGIONS)

    def steadiness(self) -> str:
        again = {region: recorded(self.model, region, stimuli(fresh_name())) for region in _ENDS}
        apart = max(difference(self.first[region], again[region]) for region in again)
        if not apart <= _TOLERANCE:
            raise Failed(
                f"two passes over the same images differ by {apart:.2g} of the largest value",
                "Put the network into eval mode, and draw no random numbers in it.",
            )
        self.steady = True
        return f"two passes differ by {apart:.2g} of the largest value" if apart else "two passes are equal bit for bit"

    def mixed_up(self) -> str:
        name = fresh_name()
        # With a revision, Brain-Score stores answers by name, as the leaderboard does.
        with _variable(_REVISION_OF_STIMULI, "submissioncheck"):
            for region in _ENDS:
                answer = recorded(self.model, region, stimuli(name))
                if self._is_other(answer, region):
                    raise Failed(
                        f"V1, then IT recorded under one stimulus set's name: {region} is not what it is when recorded "
                        "alone; an answer is remembered by the set's name",
                        "Let what is remembered know of the region, or remember nothing.",
                    )
        return "regions recorded one after another under one name are those recorded alone"

    def _is_other(self, answer: Any, region: str) -> bool:
        apart = difference(self.first[region], answer)
        # What is not steady differs anyway, but not in its neuroids.
        return not apart <= _TOLERANCE if self.steady else apart == float("inf")

    def behaviour(self) -> str:
        shown = stimuli(fresh_name())
        try:
            self.model.start_task(BrainModel.Task.probabilities, fitting_stimuli=shown)
            self.model.look_at(shown, number_of_trials=1)
        except Exception as error:
            self._passive()
            raise Noted(
                f"no probabilities ({type(error).__name__})", "Nothing, where no behaviour is meant."
            ) from error
        self._passive()
        self._unchanged("after a task and start_task(passive)", "Make start_task(passive) end a task for good.")
        return "recordings after a task and start_task(passive) are those before"

    def own_network(self) -> str:
        self._require_steady()
        other, again = self._loaded_afterwards()
        self._unchanged(
            f"once {other} was loaded" + (" again" if other == self.identifier else ""),
            "Build a network for each model, inside get_model: one in the module is shared by all of them.",
        )
        if other != self.identifier:
            return f"answers as before when {other} was loaded too"
        if not difference(self.first["IT"], recorded(again, "IT", stimuli(fresh_name()))) <= _TOLERANCE:
            raise Noted(
                "loaded twice, it answers differently: its weights are drawn anew",
                "Fix the seed or load weights: the leaderboard loads the model anew for each benchmark.",
            )
        return "answers as before when it was loaded again, and so does the second"

    def bibtex(self) -> str:
        if not load_model_bibtex(self.identifier):
            raise Noted("no bibtex", "Let get_bibtex(identifier) in model.py give the reference of the model.")
        return "get_bibtex"

    def _loaded_afterwards(self) -> tuple[str, Any]:
        for other in self._others:
            try:
                return other, load_model(other)
            except Exception:
                # That it does not load is told where it is asked for itself.
                continue
        return self.identifier, load_model(self.identifier)

    def _unchanged(self, when: str, advice: str) -> None:
        self._require_steady()
        apart = difference(self.first["IT"], recorded(self.model, "IT", stimuli(fresh_name())))
        if not apart <= _TOLERANCE:
            raise Failed(f"IT differs by {apart:.2g} of the largest value {when}", advice)

    def _require_steady(self) -> None:
        if not self.steady:
            raise NotRun("two passes differ without that already", "See determinism.")

    def _passive(self) -> None:
        with suppress(NotImplementedError):
            self.model.start_task(BrainModel.Task.passive)

    def _does_a_task(self) -> bool:
        shown = stimuli(fresh_name())
        for task in (BrainModel.Task.label, BrainModel.Task.probabilities, BrainModel.Task.odd_one_out):
            for details in ({}, {"choice_labels": "imagenet"}, {"fitting_stimuli": shown}):
                with suppress(Exception):
                    self.model.start_task(task, **details)
                    self.model.look_at(shown, number_of_trials=1)
                    return True
        return False

    @contextmanager
    def small_batches(self) -> Iterator[None]:
        """Let three images cost three passes and not the sixty-four that Brain-Score fills a batch up to."""
        extractor: Any = getattr(getattr(self.model, "activations_model", None), "_extractor", None)
        before = getattr(extractor, "_batch_size", None)
        if not isinstance(before, int | np.integer):
            yield
            return
        extractor._batch_size = min(before, 3)
        try:
            yield
        finally:
            extractor._batch_size = before


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def main() -> None:
    """Put all questions to all models of the plugin."""
    folder, answers, registered = registrations()
    identifiers = list(dict.fromkeys(identifier for _, identifier in registered))
    for number, identifier in enumerate(identifiers):
        one = _Model(folder, identifier, identifiers[number + 1 :] + identifiers[:number])
        if not answers.ask("loads", identifier, one.loads, "Make load_model work where nothing but Brain-Score is."):
            continue
        answers.ask("identifier", identifier, one.named, _AS_IT_WAS)
        answers.ask("cacheable", identifier, one.cacheable, _AS_IT_WAS)
        answers.ask("bibtex", identifier, one.bibtex, "Let get_bibtex(identifier) give text.")
        with one.small_batches():
            if not answers.ask("regions", identifier, one.regions, _AS_IT_WAS) or not one.first:
                continue
            answers.ask("determinism", identifier, one.steadiness, _AS_IT_WAS)
            answers.ask("mixed up", identifier, one.mixed_up, _AS_IT_WAS)
            answers.ask("behaviour", identifier, one.behaviour, "Make the model record after start_task(passive).")
            answers.ask("own network", identifier, one.own_network, _AS_IT_WAS)


if __name__ == "__main__":
    main()
