#!/usr/bin/env bash
# Makes an environment, simulates the paper's galaxy through a 1.5" PSF, fits it, and writes pictures to demo/.
EXTRAS=notebooks
source "$(dirname "$0")/environment.sh"
"$VENV/bin/jaxmetal" demo --out demo --overwrite "$@"
