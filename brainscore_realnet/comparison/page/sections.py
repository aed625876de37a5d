"""Parts of the methods section of a page."""

from dataclasses import dataclass

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Section:
    """A part of the methods."""

    title: str
    paragraphs: tuple[str, ...] = ()
    rows: Facts = ()
    """What, and its value"""
