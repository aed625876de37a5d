"""Figures of a comparison, each from the same tables that are written beside it."""
