"""Modules that travel inside submissions, beside copies of what they import of this package."""
