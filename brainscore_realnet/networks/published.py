"""Where published weights lie, and the hashes that tell whether they arrived whole."""

from dataclasses import dataclass

BRAINSCORE_STORAGE = "https://brainscore-storage.s3.amazonaws.com/brainscore-vision/models"


@dataclass(frozen=True)
class Published:
    """One published file of weights."""

    url: str
    """Where it can be downloaded without an account."""

    filename: str
    """Name of the file once it is here; its ending tells the format."""

    known_hash: str
    """`<algorithm>:<hex digest of the whole file>`, as pooch takes it."""

    source: str
    """Who published it, and where that is written down."""


CORNET_S = Published(
    url=f"{BRAINSCORE_STORAGE}/cornet_s/cornet_s_epoch43.pth.tar?versionId=null",
    filename="cornet_s_epoch43.pth.tar",
    known_hash="sha1:a4bfd8eda33b45fd945da1b972ab0b7cad38d60f",
    source="Kubilius, Schrimpf et al., NeurIPS 2019; Brain-Score's model CORnet-S",
)

RESNET_101 = Published(
    url="https://download.pytorch.org/models/resnet101-63fe2227.pth",
    filename="resnet101-63fe2227.pth",
    known_hash="sha256:63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a",
    source="torchvision, ResNet101_Weights.IMAGENET1K_V1 (its file names bear the first 8 digits of the sha256)",
)

CLIP_RN101 = Published(
    url="https://openaipublic.azureedge.net/clip/models/"
    "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599/RN101.pt",
    filename="RN101.pt",
    known_hash="sha256:8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599",
    source="Radford et al., ICML 2021; OpenAI's CLIP RN101 (its address bears the sha256)",
)

# Subject: (version of the object in Brain-Score's storage, sha1 of the file).
_REALNET_EEG_FILES = {
    1: ("75oY3CnI17U5S1f_yrZxl1XGhRfJEG9N", "05e4e401e8734b97e561aad306fc584b7e027225"),
    2: ("TfGdm1CphJJ1vvkJGcm3n266PHvTuOaV", "e85769fadb3c09ff88a7d73b01451b6bcccefd77"),
    3: ("dmohrH_AHZzgL_o8Xd2SDp6XCnjPOdAu", "f32d01d73380374ae501a1504e9c8cd219e9f0bf"),
    4: ("45qJFXHihmIHdpHbjKWZco6STH1eh49p", "8062373fd6a74c52360420619235590d3688b4df"),
    5: ("nqvoYgiBTyWSskjnpF9YOK4yYQfOnc_H", "88ca110f6b6d225b7b4e7dca02d2e7a906f5a8ed"),
    6: ("6.cloFvnMihiicwQ0jkag8reEe4bVlxZ", "a1658c15a3c9d61262f87349c9fb7aa63854ac5b"),
    7: ("WKJaiN4b1ttpbGYNn8yVjng4LjCqWdk.", "6a1c260839c75f6e6c018e06830562cdcda877e5"),
    8: ("vmouew6ePkPnKP.We8VnVxU7TifuhL.x", "1772211b27dd3a7d9255ac59d5f9b7e7cb6c3314"),
    9: ("53gqQ2tgS.5MEoncipy9mrBEqCc5izw5", "159d96f0433a87c7063259dac4527325a3c7b79a"),
    10: ("ZZFMhTm9KQYEXl8OGwKmnTr0S.pxkU0J", "dbdeaee9280267613ebce92dd5d515d89b544352"),
}

REALNET_EEG_PUBLISHED: dict[int, Published] = {
    subject: Published(
        url=f"{BRAINSCORE_STORAGE}/ReAlnet/ReAlnet{subject:02d}_best_model_params.pt?versionId={version}",
        filename=f"ReAlnet{subject:02d}_best_model_params.pt",
        known_hash=f"sha1:{sha1}",
        source=f"Lu et al., arXiv 2401.17231; Brain-Score's model ReAlnet{subject:02d}",
    )
    for subject, (version, sha1) in _REALNET_EEG_FILES.items()
}
"""THINGS-EEG2 subject (1 … 10) to the ReAlnet that its authors published on Brain-Score."""
