"""`python -m jaxmetal` is the command `jaxmetal`."""

import sys

from jaxmetal.cli import main

if __name__ == "__main__":
    sys.exit(main())
