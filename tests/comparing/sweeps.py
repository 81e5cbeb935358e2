"""Runs of small images, made and changed."""

import json

import gmmbench
from gmmbench.comparing.compare import compare


def run(folder, *words):
    """One run of the words, saved; its report."""
    gmmbench.save(gmmbench.execute(gmmbench.compose(*words)), folder)
    return json.loads((folder / "report.json").read_text())


def changed(folder, change):
    """Rewrite a run's report by `change`, which edits it in place."""
    report = json.loads((folder / "report.json").read_text())
    change(report)
    (folder / "report.json").write_text(json.dumps(report))


MODELS = {
    "gmm": ("model=gmm", "model.components=20"),
    "histogram": ("model=histogram",),
    "uniform": ("model=uniform",),
}


def compared(*folders):
    """What comparison.json holds for some folders."""
    return json.loads(compare(folders).to_json())
