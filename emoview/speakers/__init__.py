"""Who speaks when: from what a network says of stretches of speech to turns, and from those to faces."""
