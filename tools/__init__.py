"""Scripts that make and check what goes with a release; `make` calls them."""
