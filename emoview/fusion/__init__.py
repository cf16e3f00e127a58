"""Joining what face and voice say: late rules, and the input of the early network."""
