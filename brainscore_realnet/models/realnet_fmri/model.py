"""ReAlnet-fMRI: CORnet-S aligned with human fMRI of natural images (Lu & Wang, arXiv 2407.10414)."""

import re
from typing import Any

from brainscore_realnet.adapters.commitment import committed_model

BIBTEX = """@article{lu_realnet_fmri_2025,
    title = {Teaching {CORnet} Human {fMRI} Representations for Enhanced Model-Brain Alignment},
    author = {Lu, Zitong and Wang, Yile},
    year = {2025},
    journal = {Cognitive Neurodynamics},
    volume = {19},
    pages = {61},
    url = {https://arxiv.org/abs/2407.10414},
}"""


def get_model(identifier: str) -> Any:
    """Model of one Shen2019 subject (``realnet-fmri-sub01``), one of its variants, or the control without a subject."""
    subject = re.search(r"-sub(\d\d)", identifier)
    trained_on = {"dataset": "shen2019"} | ({"subject": f"sub-{subject[1]}"} if subject else {})
    return committed_model(identifier, "cornet_s", None, trained_on)


def get_bibtex(identifier: str) -> str:
    """Citation of the model."""
    return BIBTEX
