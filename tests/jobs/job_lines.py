"""The lines that a sweep writes about its jobs, without those of the comparison at its end."""


def gained(stdout):
    """The lines of jobs that ended with a gain."""
    return [line for line in stdout.splitlines() if line.startswith("job ") and " gains " in line]
