"""How good predictions are: of labels and of values, calibration, and pictures of it."""
