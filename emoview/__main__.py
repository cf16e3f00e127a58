"""`python -m emoview` is the command `emoview`."""

from emoview.cli.start import main

main()
