"""From a file to an `Analysis`: the stages, their queues, and the networks in batches."""
