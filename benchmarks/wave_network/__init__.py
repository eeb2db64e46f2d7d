"""Training of the network that finds beats and waves (`python -m benchmarks.wave_network`)."""
