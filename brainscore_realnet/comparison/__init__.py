"""Compare models on benchmarks: scores, statistics, figures and a page."""
