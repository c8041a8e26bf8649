#!/usr/bin/env bash
# Makes an environment and builds the pages of docs/ in docs/_build/html; a warning is an error.
#   bash scripts/docs.sh             the pages; open docs/_build/html/index.html
#   bash scripts/docs.sh linkcheck   asks every link to other sites, which needs a network
# Notebooks are executed, once as long as their code stays the same; JAXMETAL_DOCS_EXECUTE=quickstart executes that one alone, none no notebook.
EXTRAS=docs
source "$(dirname "$0")/environment.sh"
BUILDER=${1:-html}
# As in scripts/test.sh: JAX's threads would fight over the cores.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
"$VENV/bin/python" -m sphinx -W --keep-going -n -q -b "$BUILDER" -d docs/_build/doctrees docs "docs/_build/$BUILDER"
echo "docs/_build/$BUILDER"
