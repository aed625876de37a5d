"""ReAlnet-fMRI: personal models aligned with fMRI of the three Shen2019 subjects, their variants and control."""

from brainscore_vision import model_registry

from .model import get_model

# registrations written by tools/registrations.py: begin
model_registry["realnet-fmri-sub01"] = lambda: get_model("realnet-fmri-sub01")
model_registry["realnet-fmri-sub02"] = lambda: get_model("realnet-fmri-sub02")
model_registry["realnet-fmri-sub03"] = lambda: get_model("realnet-fmri-sub03")
model_registry["realnet-fmri-sub01-beta10"] = lambda: get_model("realnet-fmri-sub01-beta10")
model_registry["realnet-fmri-sub02-beta10"] = lambda: get_model("realnet-fmri-sub02-beta10")
model_registry["realnet-fmri-sub03-beta10"] = lambda: get_model("realnet-fmri-sub03-beta10")
model_registry["realnet-fmri-sub01-beta20"] = lambda: get_model("realnet-fmri-sub01-beta20")
model_registry["realnet-fmri-sub02-beta20"] = lambda: get_model("realnet-fmri-sub02-beta20")
model_registry["realnet-fmri-sub03-beta20"] = lambda: get_model("realnet-fmri-sub03-beta20")
model_registry["realnet-fmri-sub01-beta30"] = lambda: get_model("realnet-fmri-sub01-beta30")
model_registry["realnet-fmri-sub02-beta30"] = lambda: get_model("realnet-fmri-sub02-beta30")
model_registry["realnet-fmri-sub03-beta30"] = lambda: get_model("realnet-fmri-sub03-beta30")
model_registry["realnet-fmri-sub01-beta50"] = lambda: get_model("realnet-fmri-sub01-beta50")
model_registry["realnet-fmri-sub02-beta50"] = lambda: get_model("realnet-fmri-sub02-beta50")
model_registry["realnet-fmri-sub03-beta50"] = lambda: get_model("realnet-fmri-sub03-beta50")
model_registry["realnet-fmri-beta0"] = lambda: get_model("realnet-fmri-beta0")
# registrations written by tools/registrations.py: end
