"""How identifiers name subjects."""


def subject_of(part: str) -> str | None:
    """Turn ``sub01`` into ``sub-01``; None for anything else."""
    return f"sub-{part[3:]}" if part.startswith("sub") else None
