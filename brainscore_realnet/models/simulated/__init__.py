"""Reference models of the simulated benchmarks; nothing here was trained or says anything about brains."""

from brainscore_vision import model_registry

from .model import get_model

model_registry["sim-hidden"] = lambda: get_model("sim-hidden")
model_registry["sim-random"] = lambda: get_model("sim-random")
model_registry["sim-noise"] = lambda: get_model("sim-noise")
