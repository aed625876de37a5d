"""Macaque IT (Majaj et al. 2015, doi 10.1523/JNEUROSCI.5181-14.2015; Dapello et al. 2023): register, open, images."""

from brainscore_realnet.datasets.macaque_it.images import ImageTable, open_images
from brainscore_realnet.datasets.macaque_it.recordings import MacaqueRecording, animals, open_animal, open_animals
from brainscore_realnet.datasets.macaque_it.registration import add, status
from brainscore_realnet.datasets.macaque_it.sources import COLLECTIONS, NAME, PUBLIC_LEVELS, Collection

__all__ = [
    "COLLECTIONS",
    "NAME",
    "PUBLIC_LEVELS",
    "Collection",
    "ImageTable",
    "MacaqueRecording",
    "add",
    "animals",
    "open_animal",
    "open_animals",
    "open_images",
    "status",
]
