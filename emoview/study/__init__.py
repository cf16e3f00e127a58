"""Studies: a plan of clips, participants and conditions, and the tables that a paper needs."""
