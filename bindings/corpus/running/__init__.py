"""The runner of the corpus."""
