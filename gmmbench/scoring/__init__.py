"""What the numbers mean."""

from .likelihood import CONVENTION, log_likelihood

__all__ = ["CONVENTION", "log_likelihood"]
