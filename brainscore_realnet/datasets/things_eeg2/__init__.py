"""THINGS-EEG2 (Gifford et al. 2022, doi 10.1016/j.neuroimage.2022.119754), raw or preprocessed: read, convert, open."""

from brainscore_realnet.datasets._registered import SIMULATED_FILE, ImageTable
from brainscore_realnet.datasets.things_eeg2.conversion import add
from brainscore_realnet.datasets.things_eeg2.files import (
    CHANNELS,
    NAME,
    SHAPES,
    SPLITS,
    SUBJECTS,
    ImageList,
    ImageMetadata,
    image_paths,
    read_image_metadata,
    read_preprocessed,
)
from brainscore_realnet.datasets.things_eeg2.images import open_images
from brainscore_realnet.datasets.things_eeg2.mvnn import MVNN
from brainscore_realnet.datasets.things_eeg2.prepared import prepare
from brainscore_realnet.datasets.things_eeg2.preprocessing import RATES
from brainscore_realnet.datasets.things_eeg2.recordings import SubjectRecording, open_subject, subjects
from brainscore_realnet.datasets.things_eeg2.status import require, status
from brainscore_realnet.datasets.things_eeg2.variants import Variant, parent_of, variant_of

__all__ = [
    "CHANNELS",
    "MVNN",
    "NAME",
    "RATES",
    "SHAPES",
    "SIMULATED_FILE",
    "SPLITS",
    "SUBJECTS",
    "ImageList",
    "ImageMetadata",
    "ImageTable",
    "SubjectRecording",
    "Variant",
    "add",
    "image_paths",
    "open_images",
    "open_subject",
    "parent_of",
    "prepare",
    "read_image_metadata",
    "read_preprocessed",
    "require",
    "status",
    "subjects",
    "variant_of",
]
