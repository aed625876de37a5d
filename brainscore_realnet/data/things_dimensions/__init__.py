"""THINGS: the 49 SPoSE dimensions (Hebart et al. 2020) of the concepts of THINGS-EEG2's images."""

from brainscore_vision import data_registry

from .data import assembly

data_registry["ThingsDimensions.ThingsEEG2_test"] = lambda: assembly("test")
data_registry["ThingsDimensions.ThingsEEG2_training"] = lambda: assembly("training")
