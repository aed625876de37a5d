"""Pretrained networks that aligned models are compared with."""

from brainscore_vision import model_registry

from .model import get_model

model_registry["cornet-s"] = lambda: get_model("cornet-s")
model_registry["resnet-101"] = lambda: get_model("resnet-101")
model_registry["clip-rn101"] = lambda: get_model("clip-rn101")
