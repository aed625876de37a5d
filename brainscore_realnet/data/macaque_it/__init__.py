"""Macaque IT (Majaj et al. 2015; Dapello et al. 2023): images and mean rates of all animals of a collection."""

from brainscore_vision import data_registry, stimulus_set_registry

from .data import assembly, stimuli

stimulus_set_registry["MacaqueIT_public"] = lambda: stimuli("public")
data_registry["MacaqueIT_public"] = lambda: assembly("public")
stimulus_set_registry["MacaqueIT_majajhong"] = lambda: stimuli("majajhong")
data_registry["MacaqueIT_majajhong"] = lambda: assembly("majajhong")
stimulus_set_registry["MacaqueIT_many-monkeys"] = lambda: stimuli("many-monkeys")
data_registry["MacaqueIT_many-monkeys"] = lambda: assembly("many-monkeys")
stimulus_set_registry["MacaqueIT_coco"] = lambda: stimuli("coco")
data_registry["MacaqueIT_coco"] = lambda: assembly("coco")
