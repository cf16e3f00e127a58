"""Checks of the installation, and the licences of what is installed."""
