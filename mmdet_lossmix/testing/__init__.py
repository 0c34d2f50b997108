"""What tests and the survey of architectures share: detectors, batches, an oracle.

None of it is imported in training.
"""
