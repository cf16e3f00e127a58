"""Training: data sets, augmentation, and the making of the shipped weights."""
