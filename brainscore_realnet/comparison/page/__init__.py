"""The page of a comparison: one HTML file with its tables, figures and methods."""

from brainscore_realnet.comparison.page.methods import Section, methods
from brainscore_realnet.comparison.page.page import write_page

__all__ = ["Section", "methods", "write_page"]
