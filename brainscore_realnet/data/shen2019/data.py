"""Deep image reconstruction (Shen et al., PLoS Computational Biology 2019) and its simulated twin for Brain-Score."""

from brainscore_realnet.adapters.kamitani import get_assembly, get_stimulus_set

__all__ = ["BIBTEX", "get_assembly", "get_stimulus_set"]

BIBTEX = """@article{shen_deep_image_reconstruction_2019,
    title = {Deep image reconstruction from human brain activity},
    author = {Shen, Guohua and Horikawa, Tomoyasu and Majima, Kei and Kamitani, Yukiyasu},
    year = {2019},
    journal = {PLOS Computational Biology},
    volume = {15},
    number = {1},
    pages = {e1006633},
    doi = {10.1371/journal.pcbi.1006633},
    url = {https://doi.org/10.1371/journal.pcbi.1006633},
}"""
