#!/usr/bin/env bash
# Makes an environment, checks the code and passes the tests, in float32 and in float64. Arguments go to pytest.
EXTRAS=dev
source "$(dirname "$0")/environment.sh"
"$VENV/bin/ruff" check .
"$VENV/bin/ruff" format --check .
"$VENV/bin/pyright" --pythonpath "$VENV/bin/python" jaxmetal
# One worker a core, one thread a worker: JAX's own threads would fight over the same cores.
export XLA_FLAGS="${XLA_FLAGS:---xla_cpu_multi_thread_eigen=false}" OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# In float64 every call in the package is checked against its annotations, shapes and dtypes as well as types;
# in float32 it is not, because that costs 15 % more of processor time, and that run is the longer one. An int may stand for a float.
CHECK="--jaxtyping-packages=jaxmetal,beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
for x64 in 0 1; do
    echo "== float$((32 + 32 * x64))"
    TYPES=(); [ "$x64" = 0 ] || TYPES=("$CHECK")
    # A file stays with one worker, which compiles its programs once; few tests may still be much work, so no file waits for last.
    JAX_ENABLE_X64=$x64 "$VENV/bin/python" -m pytest -n "${WORKERS:-2}" --dist loadfile --no-loadscope-reorder -q "${TYPES[@]}" "$@"
done
