"""Odd files, faults and a closed network: what the product must bear without a traceback."""
