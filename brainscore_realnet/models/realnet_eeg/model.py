"""ReAlnet: CORnet-S aligned with human EEG (Lu et al., arXiv 2401.17231)."""

import re
from typing import Any

from brainscore_realnet.adapters.commitment import committed_model
from brainscore_realnet.networks.published import REALNET_EEG_PUBLISHED

BIBTEX = """@article{lu_realnet_2024,
    title = {{ReAlnet}: Achieving More Human Brain-Like Vision via Human Neural Representational Alignment},
    author = {Lu, Zitong and Wang, Yile and Golomb, Julie D.},
    year = {2024},
    journal = {arXiv preprint arXiv:2401.17231},
    url = {https://arxiv.org/abs/2401.17231},
}"""


def get_model(identifier: str) -> Any:
    """Model of one THINGS-EEG2 subject (``realnet-eeg-sub01``), one of its variants, or a control without a subject."""
    subject = re.search(r"-sub(\d\d)", identifier)
    trained_on = {"dataset": "things-eeg2"} | ({"subject": f"sub-{subject[1]}"} if subject else {})
    # The published checkpoints do not say their beta; they count as the papers' headline, beta = 100.
    headline = re.fullmatch(r"realnet-eeg-sub(\d\d)", identifier)
    published = REALNET_EEG_PUBLISHED[int(headline[1])] if headline else None
    return committed_model(identifier, "cornet_s", published, trained_on)


def get_bibtex(identifier: str) -> str:
    """Citation of the model."""
    return BIBTEX
