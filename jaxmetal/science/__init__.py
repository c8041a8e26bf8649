"""What an astronomer brings and takes away: noise, calibrations, classical answers."""
