"""Virtual subjects: procedural images, EEG and fMRI made from a hidden network, written in the published file formats.

Everything made here says so: folders, identifiers and metadata carry ``sim``.
"""
