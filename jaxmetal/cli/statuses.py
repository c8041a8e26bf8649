"""The exit statuses of the command line."""

# What is on the command line or in its files cannot be used.
BAD_INPUT = 2
# The optimiser found no maximum with a covariance.
NO_ANSWER = 3
# The fit is complete, but a later step failed.
INCOMPLETE = 4
# 128 + SIGINT, as shells count it.
INTERRUPTED = 130
# What the exit status of a command means.
STATUSES = {
    0: "everything was done",
    BAD_INPUT: "bad input; a line for each mistake on the standard error",
    NO_ANSWER: (
        "the fit has no answer: it did not converge, or has no covariance; "
        "its results are written, nothing is sampled"
    ),
    INCOMPLETE: (
        "the fit stands, but something after it failed (the sampler, a picture); "
        "summary.txt and the standard error say what"
    ),
    INTERRUPTED: "interrupted; what was finished by then is written",
}
