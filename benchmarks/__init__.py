"""How fast emoview is, beside the floor and beside others, on clips made from the sample."""
