"""What a step, loading and each architecture cost, and whether each is exact."""
