"""CORnet-S, ResNet-101 and CLIP RN101 with their published weights.

CORnet-S has its areas from its authors. The areas of the other two are this package's choice: see
``networks.backbones``.
"""

from typing import Any

from brainscore_realnet.adapters.commitment import committed_model
from brainscore_realnet.networks.backbones import backbone

BIBTEX = {
    "cornet-s": """@inproceedings{kubilius_cornet_2019,
    title = {Brain-Like Object Recognition with High-Performing Shallow Recurrent {ANNs}},
    author = {Kubilius, Jonas and Schrimpf, Martin and Hong, Ha and Majaj, Najib J. and others},
    year = {2019},
    booktitle = {Advances in Neural Information Processing Systems},
    url = {https://arxiv.org/abs/1909.06161},
}""",
    "resnet-101": """@inproceedings{he_resnet_2016,
    title = {Deep Residual Learning for Image Recognition},
    author = {He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian},
    year = {2016},
    booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
    url = {https://arxiv.org/abs/1512.03385},
}""",
    "clip-rn101": """@inproceedings{radford_clip_2021,
    title = {Learning Transferable Visual Models From Natural Language Supervision},
    author = {Radford, Alec and Kim, Jong Wook and Hallacy, Chris and others},
    year = {2021},
    booktitle = {International Conference on Machine Learning},
    url = {https://arxiv.org/abs/2103.00020},
}""",
}


def get_model(identifier: str) -> Any:
    """Load a baseline: its identifier is the backbone's name with hyphens."""
    name = identifier.replace("-", "_")
    return committed_model(identifier, name, backbone(name).published)


def get_bibtex(identifier: str) -> str:
    """Citation of the model."""
    return BIBTEX[identifier]
