"""Fuzzers: what they mutate, and how a case is judged."""
