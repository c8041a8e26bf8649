"""From maps to parameters: priors, one log density, optimisation, sampling."""
