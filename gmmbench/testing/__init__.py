"""The contract suite for authors of plugins, with or without pytest.

Example:
    >>> from gmmbench import compose
    >>> from gmmbench.testing import check_model
    >>> check_model(compose("model=gmm", "model.components=4").model, views=("ink",)).broken
    []
"""

from .check_images import check_image
from .check_models import check_model
from .check_renders import check_render
from .verdict import ContractBroken, Finding, Verdict

__all__ = ["ContractBroken", "Finding", "Verdict", "check_image", "check_model", "check_render"]
