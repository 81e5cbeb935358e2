"""The built-in plugins, one module a line; each is loaded through the same hooks as any other plugin."""

BUILT_INS = (
    "gmmbench.images.file",
    "gmmbench.images.synthetic",
    "gmmbench.models.uniform",
    "gmmbench.models.histogram",
    "gmmbench.models.gmm",
    "gmmbench.models.bgmm",
    "gmmbench.models.experts",
    "gmmbench.models.lightgbm",
    "gmmbench.renders.grid",
    "gmmbench.renders.sample",
    "gmmbench.renders.contour",
    "gmmbench.renders.density1d",
    "gmmbench.renders.points",
    "gmmbench.renders.channels",
    "gmmbench.renders.slices",
    "gmmbench.renders.sampling",
    "gmmbench.renders.components",
    "gmmbench.renders.residual",
    "gmmbench.renders.evolution",
    "gmmbench.renders.collage",
)
