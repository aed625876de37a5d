"""THINGS-EEG2: stimulus sets and preprocessed EEG of ten subjects, and of virtual subjects."""

from brainscore_vision import data_registry, stimulus_set_registry

from .data import get_assembly, get_stimulus_set

# registrations written by tools/registrations.py: begin
stimulus_set_registry["ThingsEEG2_test"] = lambda: get_stimulus_set("ThingsEEG2_test")
data_registry["ThingsEEG2.sub01_test"] = lambda: get_assembly("ThingsEEG2.sub01_test")
data_registry["ThingsEEG2.sub02_test"] = lambda: get_assembly("ThingsEEG2.sub02_test")
data_registry["ThingsEEG2.sub03_test"] = lambda: get_assembly("ThingsEEG2.sub03_test")
data_registry["ThingsEEG2.sub04_test"] = lambda: get_assembly("ThingsEEG2.sub04_test")
data_registry["ThingsEEG2.sub05_test"] = lambda: get_assembly("ThingsEEG2.sub05_test")
data_registry["ThingsEEG2.sub06_test"] = lambda: get_assembly("ThingsEEG2.sub06_test")
data_registry["ThingsEEG2.sub07_test"] = lambda: get_assembly("ThingsEEG2.sub07_test")
data_registry["ThingsEEG2.sub08_test"] = lambda: get_assembly("ThingsEEG2.sub08_test")
data_registry["ThingsEEG2.sub09_test"] = lambda: get_assembly("ThingsEEG2.sub09_test")
data_registry["ThingsEEG2.sub10_test"] = lambda: get_assembly("ThingsEEG2.sub10_test")
stimulus_set_registry["ThingsEEG2_training"] = lambda: get_stimulus_set("ThingsEEG2_training")
data_registry["ThingsEEG2.sub01_training"] = lambda: get_assembly("ThingsEEG2.sub01_training")
data_registry["ThingsEEG2.sub02_training"] = lambda: get_assembly("ThingsEEG2.sub02_training")
data_registry["ThingsEEG2.sub03_training"] = lambda: get_assembly("ThingsEEG2.sub03_training")
data_registry["ThingsEEG2.sub04_training"] = lambda: get_assembly("ThingsEEG2.sub04_training")
data_registry["ThingsEEG2.sub05_training"] = lambda: get_assembly("ThingsEEG2.sub05_training")
data_registry["ThingsEEG2.sub06_training"] = lambda: get_assembly("ThingsEEG2.sub06_training")
data_registry["ThingsEEG2.sub07_training"] = lambda: get_assembly("ThingsEEG2.sub07_training")
data_registry["ThingsEEG2.sub08_training"] = lambda: get_assembly("ThingsEEG2.sub08_training")
data_registry["ThingsEEG2.sub09_training"] = lambda: get_assembly("ThingsEEG2.sub09_training")
data_registry["ThingsEEG2.sub10_training"] = lambda: get_assembly("ThingsEEG2.sub10_training")
stimulus_set_registry["SimThingsEEG2_test"] = lambda: get_stimulus_set("SimThingsEEG2_test")
data_registry["SimThingsEEG2.sub01_test"] = lambda: get_assembly("SimThingsEEG2.sub01_test")
data_registry["SimThingsEEG2.sub02_test"] = lambda: get_assembly("SimThingsEEG2.sub02_test")
stimulus_set_registry["SimThingsEEG2_training"] = lambda: get_stimulus_set("SimThingsEEG2_training")
data_registry["SimThingsEEG2.sub01_training"] = lambda: get_assembly("SimThingsEEG2.sub01_training")
data_registry["SimThingsEEG2.sub02_training"] = lambda: get_assembly("SimThingsEEG2.sub02_training")
# registrations written by tools/registrations.py: end
