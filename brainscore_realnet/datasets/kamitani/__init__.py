"""fMRI of the Kamitani laboratory: Shen2019 (doi 10.1371/journal.pcbi.1006633), Horikawa2017 (doi 10.1038/ncomms15037).

Files stay where the user has them; the store keeps cards of them and of the images.
"""

from brainscore_realnet.datasets._registered import ImageTable
from brainscore_realnet.datasets.kamitani.bdata import BData, open_bdata, read_columns
from brainscore_realnet.datasets.kamitani.images import has_images, open_images
from brainscore_realnet.datasets.kamitani.labels import natural_name
from brainscore_realnet.datasets.kamitani.recordings import FMRIRecording, open_subject, same_stimuli, subjects
from brainscore_realnet.datasets.kamitani.registration import add
from brainscore_realnet.datasets.kamitani.sets import (
    DATA_SETS,
    FORM_PAGE,
    HORIKAWA2017,
    IMAGENET_PAGE,
    ROIS,
    SHEN2019,
    DataSet,
    Split,
    data_set,
    how_to_get,
)
from brainscore_realnet.datasets.kamitani.status import require, status
from brainscore_realnet.datasets.kamitani.targets import N_COMPONENTS, TrainingTargets, open_targets, prepare

__all__ = [
    "DATA_SETS",
    "FORM_PAGE",
    "HORIKAWA2017",
    "IMAGENET_PAGE",
    "N_COMPONENTS",
    "ROIS",
    "SHEN2019",
    "BData",
    "DataSet",
    "FMRIRecording",
    "ImageTable",
    "Split",
    "TrainingTargets",
    "add",
    "data_set",
    "has_images",
    "how_to_get",
    "natural_name",
    "open_bdata",
    "open_images",
    "open_subject",
    "open_targets",
    "prepare",
    "read_columns",
    "require",
    "same_stimuli",
    "status",
    "subjects",
]
