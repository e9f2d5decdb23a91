"""Compares the bindings with the C header."""
