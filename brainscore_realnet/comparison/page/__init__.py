"""The page of a comparison: one HTML file with its tables, figures and methods."""

from brainscore_realnet.comparison.page.methods import methods
from brainscore_realnet.comparison.page.page import write_page
from brainscore_realnet.comparison.page.sections import Section

__all__ = ["Section", "methods", "write_page"]
