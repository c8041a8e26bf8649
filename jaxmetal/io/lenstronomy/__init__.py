"""To and from lenstronomy: its names and its models."""
