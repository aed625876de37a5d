"""Macaque IT as stimulus sets and assemblies; nothing is read before it is asked for."""

from brainscore_realnet.adapters.macaque_it import assembly, stimuli

__all__ = ["assembly", "stimuli"]
