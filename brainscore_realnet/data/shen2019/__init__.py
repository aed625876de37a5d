"""Shen2019: stimulus sets and fMRI of three subjects, and of virtual subjects."""

from brainscore_vision import data_registry, stimulus_set_registry

from .data import get_assembly, get_stimulus_set

# registrations written by tools/registrations.py: begin
stimulus_set_registry["Shen2019_test"] = lambda: get_stimulus_set("Shen2019_test")
data_registry["Shen2019.sub01_test"] = lambda: get_assembly("Shen2019.sub01_test")
data_registry["Shen2019.sub02_test"] = lambda: get_assembly("Shen2019.sub02_test")
data_registry["Shen2019.sub03_test"] = lambda: get_assembly("Shen2019.sub03_test")
stimulus_set_registry["Shen2019_training"] = lambda: get_stimulus_set("Shen2019_training")
data_registry["Shen2019.sub01_training"] = lambda: get_assembly("Shen2019.sub01_training")
data_registry["Shen2019.sub02_training"] = lambda: get_assembly("Shen2019.sub02_training")
data_registry["Shen2019.sub03_training"] = lambda: get_assembly("Shen2019.sub03_training")
stimulus_set_registry["Shen2019_shapes"] = lambda: get_stimulus_set("Shen2019_shapes")
data_registry["Shen2019.sub01_shapes"] = lambda: get_assembly("Shen2019.sub01_shapes")
data_registry["Shen2019.sub02_shapes"] = lambda: get_assembly("Shen2019.sub02_shapes")
data_registry["Shen2019.sub03_shapes"] = lambda: get_assembly("Shen2019.sub03_shapes")
stimulus_set_registry["Shen2019_letters"] = lambda: get_stimulus_set("Shen2019_letters")
data_registry["Shen2019.sub01_letters"] = lambda: get_assembly("Shen2019.sub01_letters")
data_registry["Shen2019.sub02_letters"] = lambda: get_assembly("Shen2019.sub02_letters")
data_registry["Shen2019.sub03_letters"] = lambda: get_assembly("Shen2019.sub03_letters")
stimulus_set_registry["SimShen2019_test"] = lambda: get_stimulus_set("SimShen2019_test")
data_registry["SimShen2019.sub01_test"] = lambda: get_assembly("SimShen2019.sub01_test")
data_registry["SimShen2019.sub02_test"] = lambda: get_assembly("SimShen2019.sub02_test")
data_registry["SimShen2019.sub03_test"] = lambda: get_assembly("SimShen2019.sub03_test")
stimulus_set_registry["SimShen2019_training"] = lambda: get_stimulus_set("SimShen2019_training")
data_registry["SimShen2019.sub01_training"] = lambda: get_assembly("SimShen2019.sub01_training")
data_registry["SimShen2019.sub02_training"] = lambda: get_assembly("SimShen2019.sub02_training")
data_registry["SimShen2019.sub03_training"] = lambda: get_assembly("SimShen2019.sub03_training")
stimulus_set_registry["SimShen2019_shapes"] = lambda: get_stimulus_set("SimShen2019_shapes")
data_registry["SimShen2019.sub01_shapes"] = lambda: get_assembly("SimShen2019.sub01_shapes")
data_registry["SimShen2019.sub02_shapes"] = lambda: get_assembly("SimShen2019.sub02_shapes")
data_registry["SimShen2019.sub03_shapes"] = lambda: get_assembly("SimShen2019.sub03_shapes")
stimulus_set_registry["SimShen2019_letters"] = lambda: get_stimulus_set("SimShen2019_letters")
data_registry["SimShen2019.sub01_letters"] = lambda: get_assembly("SimShen2019.sub01_letters")
data_registry["SimShen2019.sub02_letters"] = lambda: get_assembly("SimShen2019.sub02_letters")
data_registry["SimShen2019.sub03_letters"] = lambda: get_assembly("SimShen2019.sub03_letters")
# registrations written by tools/registrations.py: end
