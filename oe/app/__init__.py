"""The composition root: the only layer that builds things from those below; one module a job."""
