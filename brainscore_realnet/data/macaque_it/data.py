"""Macaque IT as stimulus sets and assemblies; nothing is read before it is asked for."""

from brainscore_realnet.adapters.macaque_it import assembly, stimuli

__all__ = ["assembly", "stimuli"]

BIBTEX = """@article{majaj_simple_2015,
    title = {Simple Learned Weighted Sums of Inferior Temporal Neuronal Firing Rates Accurately Predict Human Core
             Object Recognition Performance},
    author = {Majaj, Najib J. and Hong, Ha and Solomon, Ethan A. and DiCarlo, James J.},
    year = {2015},
    journal = {Journal of Neuroscience},
    volume = {35},
    number = {39},
    pages = {13402--13418},
    doi = {10.1523/JNEUROSCI.5181-14.2015},
    url = {https://doi.org/10.1523/JNEUROSCI.5181-14.2015},
}

@inproceedings{dapello_aligning_2023,
    title = {Aligning Model and Macaque Inferior Temporal Cortex Representations Improves Model-to-Human Behavioral
             Alignment and Adversarial Robustness},
    author = {Dapello, Joel and Kar, Kohitij and Schrimpf, Martin and Geary, Robert and Ferguson, Michael and
              Cox, David D. and DiCarlo, James J.},
    year = {2023},
    booktitle = {International Conference on Learning Representations},
    url = {https://openreview.net/forum?id=SMYdcXjJh1q},
}"""
