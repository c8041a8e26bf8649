"""Figures of fits and posteriors; the only package that imports matplotlib."""
