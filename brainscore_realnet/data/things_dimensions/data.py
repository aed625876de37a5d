"""Behavioural dimensions of THINGS as assemblies; nothing is read before it is asked for."""

from brainscore_realnet.adapters.things_dimensions import assembly

__all__ = ["assembly"]

BIBTEX = """@article{hebart_dimensions_2020,
    title = {Revealing the multidimensional mental representations of natural objects underlying human similarity
             judgements},
    author = {Hebart, Martin N. and Zheng, Charles Y. and Pereira, Francisco and Baker, Chris I.},
    year = {2020},
    journal = {Nature Human Behaviour},
    volume = {4},
    pages = {1173--1185},
    doi = {10.1038/s41562-020-00951-3},
    url = {https://doi.org/10.1038/s41562-020-00951-3},
}"""
