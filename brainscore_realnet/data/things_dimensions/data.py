"""Behavioural dimensions of THINGS as assemblies; nothing is read before it is asked for."""

from brainscore_realnet.adapters.things_dimensions import assembly

__all__ = ["assembly"]
