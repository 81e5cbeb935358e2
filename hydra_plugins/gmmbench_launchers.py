"""The launchers of gmmbench where Hydra looks for launchers; what they do is in gmmbench/jobs/."""

from gmmbench.jobs import cluster, launcher, ray_workers


class LocalLauncher(launcher.Local):
    """`hydra/launcher=local`."""


class ClusterLauncher(cluster.Cluster):
    """`hydra/launcher=cluster`."""


class RayLauncher(ray_workers.RayWorkers):
    """`hydra/launcher=ray_workers`."""
