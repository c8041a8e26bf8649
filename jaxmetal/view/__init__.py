"""Pictures of fits and posteriors; the only place that imports matplotlib."""
