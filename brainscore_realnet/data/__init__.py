"""Brain-Score data plugins; imported as ``brainscore_vision.data.<folder>``."""
