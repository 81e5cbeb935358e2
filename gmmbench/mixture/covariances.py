"""The types of covariance: everything that differs between full, diagonal, tied and spherical covariances.

A type combines a *form*, which says what one matrix may look like, with whether all components share one
matrix. To add a type of a known form, add a line to COVARIANCES or call `register_covariance`; a type of
another form also needs a subclass of `Form`. No other code of the engine depends on the type.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .array_types import Floats

RIDGE = 1e-13
"""Added to correlations before they are factorised: far below any floor that float64 can tell from zero."""


class Form(ABC):
    """What one covariance matrix may look like. Matrices are (..., d, d) throughout."""

    diagonal: ClassVar[bool]
    """Whether off-diagonal entries are zero. If so, the kernels read and sum only diagonals."""

    @abstractmethod
    def n_parameters(self, dimension: int) -> int:
        """Free parameters of one matrix."""

    @abstractmethod
    def restrict(self, matrices: Floats) -> Floats:
        """Unrestricted matrices as the M-step's matrices of this form."""

    @abstractmethod
    def whitening_factor(self, covariance: Floats, covariance_floor: Floats) -> Floats:
        """L (d, d), lower triangular, such that u = L^-1 x has a spread of about one and keeps the form.

        Args:
            covariance: (d, d), that of all points.
            covariance_floor: (d,).
        """

    @abstractmethod
    def compact(self, matrices: Floats) -> Any:
        """Matrices of this form as scikit-learn stores them."""

    @abstractmethod
    def expand(self, compact: Floats, dimension: int) -> Floats:
        """The inverse of `compact`."""

    def predictive(self, factor: Floats, degrees: Floats, dimension: int) -> tuple[Floats, Floats]:
        """Factor of the scale matrix and degrees of freedom of a component's posterior predictive t.

        Args:
            factor: (1 + beta) / beta, (K,).
            degrees: nu of the posterior, (K,).
            dimension: d.
        """
        return factor, degrees

    independent: ClassVar[bool] = False
    """Whether the predictive has independent axes, each a t of one dimension, instead of a joint t."""


class Dense(Form):
    """Any symmetric matrix. The predictive has scale factor nu / (nu + 1 - d) and nu + 1 - d degrees."""

    diagonal = False

    def n_parameters(self, dimension: int) -> int:
        """The entries of a triangle."""
        return dimension * (dimension + 1) // 2

    def restrict(self, matrices: Floats) -> Floats:
        """Matrices that are symmetric to the last bit."""
        return (matrices + np.swapaxes(matrices, -1, -2)) / 2

    def whitening_factor(self, covariance: Floats, covariance_floor: Floats) -> Floats:
        """The Cholesky factor of the covariance plus the floor, computed from its correlations."""
        scale = np.sqrt(np.diag(covariance) + covariance_floor)
        correlation = (covariance + np.diag(covariance_floor)) / np.outer(scale, scale) + RIDGE * np.eye(
            len(covariance_floor)
        )
        return np.asarray(scale[:, None] * np.linalg.cholesky(correlation))

    def compact(self, matrices: Floats) -> Floats:
        """Whole matrices."""
        return matrices

    def expand(self, compact: Floats, dimension: int) -> Floats:
        """Whole matrices."""
        return compact

    def predictive(self, factor: Floats, degrees: Floats, dimension: int) -> tuple[Floats, Floats]:
        """From a Wishart posterior."""
        free = degrees + 1 - dimension
        return factor * degrees / free, free


class Diagonal(Form):
    """A variance for each axis. The predictive has independent axes, each from a gamma posterior."""

    diagonal = True
    independent = True

    def n_parameters(self, dimension: int) -> int:
        """One for each axis."""
        return dimension

    def restrict(self, matrices: Floats) -> Floats:
        """The diagonals."""
        axes = np.diagonal(matrices, axis1=-2, axis2=-1)
        return np.asarray(axes[..., None] * np.eye(matrices.shape[-1]))

    def whitening_factor(self, covariance: Floats, covariance_floor: Floats) -> Floats:
        """The standard deviations, so that the axes stay as they are."""
        return np.diag(np.sqrt(np.diag(covariance) + covariance_floor))

    def compact(self, matrices: Floats) -> Floats:
        """The diagonals: (..., d)."""
        return np.diagonal(matrices, axis1=-2, axis2=-1)

    def expand(self, compact: Floats, dimension: int) -> Floats:
        """Diagonal matrices."""
        return np.asarray(compact[..., None] * np.eye(dimension))


class Isotropic(Form):
    """One variance for all axes, in units of the covariance floor.

    The predictive is a joint t of d nu degrees, from one gamma posterior for all axes.
    """

    diagonal = True

    def n_parameters(self, dimension: int) -> int:
        """One."""
        return 1

    def restrict(self, matrices: Floats) -> Floats:
        """The mean variance of the axes."""
        variance = np.diagonal(matrices, axis1=-2, axis2=-1).mean(axis=-1)
        return np.asarray(variance[..., None, None] * np.eye(matrices.shape[-1]))

    def whitening_factor(self, covariance: Floats, covariance_floor: Floats) -> Floats:
        """A multiple of the floor's standard deviations: a sphere in units of the floor stays a sphere."""
        widest = np.max((np.diag(covariance) + covariance_floor) / covariance_floor)
        return np.diag(np.sqrt(covariance_floor * widest))

    def compact(self, matrices: Floats) -> Any:
        """The variances: (...)."""
        return matrices[..., 0, 0]

    def expand(self, compact: Floats, dimension: int) -> Floats:
        """Multiples of the identity."""
        return np.asarray(compact[..., None, None] * np.eye(dimension))

    def predictive(self, factor: Floats, degrees: Floats, dimension: int) -> tuple[Floats, Floats]:
        """From one gamma posterior."""
        return factor, dimension * degrees


@dataclass(frozen=True)
class CovarianceType:
    """A type of covariance.

    Attributes:
        name: the name by which a fit asks for it.
        form: what one matrix may look like.
        shared: whether all components share one matrix.
        in_scikit_learn: whether scikit-learn has a type of this name.
    """

    name: str
    form: Form
    shared: bool = False
    in_scikit_learn: bool = False

    def n_parameters(self, components: int, dimension: int) -> int:
        """Free parameters of a mixture: K - 1 weights, K d means, and its covariances."""
        matrices = 1 if self.shared else components
        return components - 1 + components * dimension + matrices * self.form.n_parameters(dimension)

    def restrict(self, matrices: Floats, weights: Floats) -> Floats:
        """Covariances of this type from any (K, d, d); a shared one is their mean by weight (K,)."""
        if self.shared:
            mean = np.einsum("k,kij->ij", weights / weights.sum(), matrices)
            matrices = np.repeat(mean[None], len(matrices), axis=0)
        return self.form.restrict(matrices)

    def pooled(self, values: Floats) -> Floats:
        """The values (K, ...) that each component's matrix gathers: its own, or their sum if it is shared."""
        return np.repeat(values.sum(axis=0)[None], len(values), axis=0) if self.shared else values

    def distinct(self, values: Floats) -> Floats:
        """The values (K, ...) of distinct matrices: all of them, or the first if the matrix is shared."""
        return values[:1] if self.shared else values

    def compact(self, matrices: Floats) -> Any:
        """Covariances (K, d, d) as scikit-learn stores this type."""
        return self.form.compact(matrices[0] if self.shared else matrices)

    def expand(self, compact: Floats, components: int, dimension: int) -> Floats:
        """The inverse of `compact`: (K, d, d)."""
        return np.broadcast_to(self.form.expand(compact, dimension), (components, dimension, dimension))


FULL = CovarianceType("full", Dense(), in_scikit_learn=True)

COVARIANCES: dict[str, CovarianceType] = {
    kind.name: kind
    for kind in (
        FULL,
        CovarianceType("diag", Diagonal(), in_scikit_learn=True),
        CovarianceType("spherical", Isotropic(), in_scikit_learn=True),
        CovarianceType("tied", Dense(), shared=True, in_scikit_learn=True),
    )
}
"""The types by name. Those that scikit-learn has bear its names."""


def covariance_type(name: str) -> CovarianceType:
    """The type of this name. Raises ValueError, listing the types, if there is none."""
    if name not in COVARIANCES:
        raise ValueError(f"expected covariance to be one of {', '.join(COVARIANCES)}, got {name!r}")
    return COVARIANCES[name]


def register_covariance(kind: CovarianceType) -> None:
    """Add a type, so that fits can ask for it by name. Raises ValueError if the name is taken."""
    if kind.name in COVARIANCES:
        raise ValueError(f"expected a new name for a covariance type, got {kind.name!r}, which exists")
    COVARIANCES[kind.name] = kind
