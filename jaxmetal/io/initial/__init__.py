"""A first configuration for a FITS file: what is in it, and what can be fitted."""

from jaxmetal.io.initial.propose import Proposal, propose

__all__ = ["Proposal", "propose"]
