"""Pure functions of position: what shines, and what the light carries."""
