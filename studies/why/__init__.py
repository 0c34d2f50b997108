"""What a strategy teaches: scores and recall in blends, calibration on test images."""
