"""The contract suite for authors of plugins: with pytest or without.

Example:
    >>> from gmmbench import compose
    >>> from gmmbench.testing import check_model
    >>> check_model(compose("model=gmm", "model.components=4").model, views=("ink",)).broken
    []
"""

from .images import check_image
from .models import check_model
from .renders import check_render
from .verdict import ContractBroken, Finding, Verdict

__all__ = ["ContractBroken", "Finding", "Verdict", "check_image", "check_model", "check_render"]
