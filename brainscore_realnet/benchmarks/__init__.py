"""Brain-Score benchmark plugins; imported as ``brainscore_vision.benchmarks.<folder>``."""
