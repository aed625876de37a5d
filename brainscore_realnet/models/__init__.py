"""Brain-Score model plugins, a submission-shaped folder a family; imported as ``brainscore_vision.models.<folder>``."""
