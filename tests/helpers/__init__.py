"""What tests and benchmarks share: detectors, batches, tiny data, an oracle."""
