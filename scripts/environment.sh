# Sourced by demo.sh, docs.sh and test.sh: a virtual environment in .venv with jaxmetal and the extras named in EXTRAS.
# PYTHON chooses the interpreter (3.11 or newer); VENV another folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENV=${VENV:-.venv}
PYTHON=${PYTHON:-python3}
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "jaxmetal needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 2; }
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
# A stamp keeps a second run from asking the package index again.
STAMP="$VENV/.jaxmetal-${EXTRAS//,/-}"
if [ ! -e "$STAMP" ] || [ pyproject.toml -nt "$STAMP" ]; then
    # Most of what is installed is never imported and need not be compiled.
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --editable ".[$EXTRAS]"
    touch "$STAMP"
fi
