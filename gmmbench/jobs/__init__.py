"""One run, or the jobs of a sweep: build, execute, save, and tell what came of them."""
