"""Virtual subjects: procedural images and EEG made from a hidden network, written in the published file formats.

Everything made here says so: folders, identifiers and metadata carry ``sim``.
"""
