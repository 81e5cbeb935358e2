"""One run, or the jobs of a sweep: build, execute, save, and report the results."""
