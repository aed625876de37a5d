"""THINGS-EEG2 (Gifford et al. 2022, doi 10.1016/j.neuroimage.2022.119754), preprocessed: read, convert, open."""

from brainscore_realnet.datasets.things_eeg2.conversion import add
from brainscore_realnet.datasets.things_eeg2.files import (
    CHANNELS,
    NAME,
    SHAPES,
    SIMULATED_FILE,
    SPLITS,
    SUBJECTS,
    ImageList,
    ImageMetadata,
    image_paths,
    read_image_metadata,
    read_preprocessed,
)
from brainscore_realnet.datasets.things_eeg2.images import ImageTable, open_images
from brainscore_realnet.datasets.things_eeg2.recordings import SubjectRecording, open_subject, subjects
from brainscore_realnet.datasets.things_eeg2.status import require, status

__all__ = [
    "CHANNELS",
    "NAME",
    "SHAPES",
    "SIMULATED_FILE",
    "SPLITS",
    "SUBJECTS",
    "ImageList",
    "ImageMetadata",
    "ImageTable",
    "SubjectRecording",
    "add",
    "image_paths",
    "open_images",
    "open_subject",
    "read_image_metadata",
    "read_preprocessed",
    "require",
    "status",
    "subjects",
]
