"""Brain-Score metric plugins; imported as ``brainscore_vision.metrics.<folder>``."""
