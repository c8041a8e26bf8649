"""Readers of surveys' files: each gives a `Reading`, and configurations know it by name.

To add one, write a function `read(path, **options)` that returns a `Reading`; see `protocol`.
"""

from jaxmetal.io.readers.protocol import Geometry, Reading, ReadMap

__all__ = ["Geometry", "ReadMap", "Reading"]
