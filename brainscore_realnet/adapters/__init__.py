"""Where this package's numerics meet Brain-Score: activations, commitments, assemblies, RSA benchmarks."""
