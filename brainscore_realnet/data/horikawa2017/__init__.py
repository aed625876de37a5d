"""Horikawa2017: stimulus sets and fMRI of five subjects, and of virtual subjects."""

from brainscore_vision import data_registry, stimulus_set_registry

from .data import get_assembly, get_stimulus_set

# registrations written by tools/registrations.py: begin
stimulus_set_registry["Horikawa2017_test"] = lambda: get_stimulus_set("Horikawa2017_test")
data_registry["Horikawa2017.sub01_test"] = lambda: get_assembly("Horikawa2017.sub01_test")
data_registry["Horikawa2017.sub02_test"] = lambda: get_assembly("Horikawa2017.sub02_test")
data_registry["Horikawa2017.sub03_test"] = lambda: get_assembly("Horikawa2017.sub03_test")
data_registry["Horikawa2017.sub04_test"] = lambda: get_assembly("Horikawa2017.sub04_test")
data_registry["Horikawa2017.sub05_test"] = lambda: get_assembly("Horikawa2017.sub05_test")
stimulus_set_registry["Horikawa2017_training"] = lambda: get_stimulus_set("Horikawa2017_training")
data_registry["Horikawa2017.sub01_training"] = lambda: get_assembly("Horikawa2017.sub01_training")
data_registry["Horikawa2017.sub02_training"] = lambda: get_assembly("Horikawa2017.sub02_training")
data_registry["Horikawa2017.sub03_training"] = lambda: get_assembly("Horikawa2017.sub03_training")
data_registry["Horikawa2017.sub04_training"] = lambda: get_assembly("Horikawa2017.sub04_training")
data_registry["Horikawa2017.sub05_training"] = lambda: get_assembly("Horikawa2017.sub05_training")
stimulus_set_registry["SimHorikawa2017_test"] = lambda: get_stimulus_set("SimHorikawa2017_test")
data_registry["SimHorikawa2017.sub01_test"] = lambda: get_assembly("SimHorikawa2017.sub01_test")
data_registry["SimHorikawa2017.sub02_test"] = lambda: get_assembly("SimHorikawa2017.sub02_test")
data_registry["SimHorikawa2017.sub03_test"] = lambda: get_assembly("SimHorikawa2017.sub03_test")
data_registry["SimHorikawa2017.sub04_test"] = lambda: get_assembly("SimHorikawa2017.sub04_test")
data_registry["SimHorikawa2017.sub05_test"] = lambda: get_assembly("SimHorikawa2017.sub05_test")
stimulus_set_registry["SimHorikawa2017_training"] = lambda: get_stimulus_set("SimHorikawa2017_training")
data_registry["SimHorikawa2017.sub01_training"] = lambda: get_assembly("SimHorikawa2017.sub01_training")
data_registry["SimHorikawa2017.sub02_training"] = lambda: get_assembly("SimHorikawa2017.sub02_training")
data_registry["SimHorikawa2017.sub03_training"] = lambda: get_assembly("SimHorikawa2017.sub03_training")
data_registry["SimHorikawa2017.sub04_training"] = lambda: get_assembly("SimHorikawa2017.sub04_training")
data_registry["SimHorikawa2017.sub05_training"] = lambda: get_assembly("SimHorikawa2017.sub05_training")
# registrations written by tools/registrations.py: end
