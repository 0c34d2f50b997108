"""What tests and benchmarks share: detectors, batches, tiny data, an oracle."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the repository
