"""The report as a page of Markdown for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def page(data: Mapping[str, Any], headline: str) -> str:
    """The whole page from what report.json holds."""
    image, model = data["image"], data["model"]
    lines = [f"# {model['option']} on {image['name']}", "", headline, ""]
    lines += [f"**Alarm: {alarm}.** Something is wrong with this score." for alarm in data["alarms"]]
    for picture in data["pictures"]:
        shown = next(iter(picture["animations"]), picture["file"])
        lines += [f"![{picture['option']}]({shown})", "", f"*{picture['caption']}*", ""]
    lines += [f"- `{option}` was not drawn: {reason}." for option, reason in data["skipped"].items()]
    lines += [f"- `{option}` failed: {reason}." for option, reason in data["failed"].items()]
    lines += ["## Generalisation: pixels it has not seen", ""]
    lines += _table(("score", "held out", "unit"), _generalisation(data))
    gain, tiles = data["gain"], data["details"].get("tiles")
    if gain["interval"] is not None:
        low, high = gain["interval"]
        lines += ["", f"95 % interval of the gain: {low:.3f} to {high:.3f}, over {tiles['count']} tiles."]
    elif tiles is not None:
        lines += ["", f"No interval: {tiles['count']} tiles with held-out data are too few."]
    lines += ["", "## Representation: pixels it was fitted to", ""]
    lines += _table(("score", "train", "unit"), _rows(data, REPRESENTATION, "train"))
    lines += ["", "## Fidelity: the expected picture", ""]
    lines += _table(
        ("score", "all pixels", "held out", "unit"),
        [
            (NAMES[key], data[key]["overall"], data[key]["held_out"], data[key]["unit"])
            for key in ("psnr", "ssim")
            if data[key]["overall"] is not None
        ],
    )
    lines += ["", "## Certificate", "", *_certificate(data)]
    lines += ["", "## Cost", "", *_table(("", "value"), _cost(data))]
    lines += ["", "## Fit", "", *_table(("", "value"), _fit(data))]
    if data["fit"]["mean"]:
        lines += ["", "x and y are in pixels from the top left corner, colours and levels in 0..255."]
    lines += ["", "## Data", "", *_table(("", "value"), _data(data))]
    lines += ["", *[f"- {note}" for note in image["notes"]]]
    lines += ["", "## Choices", "", *_table(("option", "value"), list(_flat(data["config"])))]
    lines += ["", "## Versions", "", ", ".join(f"{k} {v}" for k, v in data["versions"].items()), ""]
    return "\n".join(lines)


NAMES = {
    "gain": "gain",
    "ceiling": "ceiling",
    "skill": "skill",
    "expected_ink": "expected ink",
    "shape_gain": "gain of the shape alone",
    "average_precision": "average precision",
    "bits_per_dim": "bits per dimension",
    "kl": "KL divergence from the image",
    "log_likelihood": "log-likelihood",
    "position": "spent on position",
    "psnr": "PSNR",
    "ssim": "SSIM",
}
GENERALISATION = (
    "gain",
    "ceiling",
    "skill",
    "bits_per_dim",
    "expected_ink",
    "shape_gain",
    "average_precision",
    "log_likelihood",
    "position",
)
REPRESENTATION = ("gain", "ceiling", "kl", "bits_per_dim", "log_likelihood", "position")


def _rows(data: Mapping[str, Any], keys: Iterable[str], part: str) -> list[tuple[Any, ...]]:
    return [(NAMES[key], data[key][part], data[key]["unit"]) for key in keys if data[key][part] is not None]


def _generalisation(data: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    rows = _rows(data, GENERALISATION, "held_out")
    details = data["details"]
    classifier = details.get("classifier") or {}
    beside = [
        ("share of ink, the average precision of chance", classifier.get("prevalence"), "share"),
        ("as a classifier, raw", classifier.get("bits_per_pixel_raw"), "bits per pixel"),
        ("as a classifier, calibrated", classifier.get("bits_per_pixel_calibrated"), "bits per pixel"),
        ("gain once calibrated", classifier.get("gain_calibrated"), data["gain"]["unit"]),
        ("entropy of these colours", details.get("entropy_of_held_out_colours"), "bits per dimension"),
    ]
    baselines = details.get("baselines") or {}
    beside += [
        (f"baseline: {name.replace('_', ' ')}", value, data["gain"]["unit"])
        for name, value in baselines.items()
    ]
    return rows + [row for row in beside if row[1] is not None]


def _certificate(data: Mapping[str, Any]) -> list[str]:
    certificate, lines = data["details"].get("certificate"), []
    if data["not_ranked"]:
        lines += [f"**Not ranked**: {'; '.join(data['not_ranked'])}.", ""]
    if certificate is not None:
        p = "none" if certificate["p_value"] is None else f"{certificate['p_value']:.3g}"
        lines += [
            f"{'It is a density' if certificate['holds'] else 'Not a density'}: mass in the box "
            f"{certificate['mass_in_box']:.6f}, {certificate['share_in_box']:.5f} of its draws lie there; "
            f"draws against masses over {certificate['tiles']} tiles, p = {p}; masses {certificate['how']}."
        ]
    elif (law := data["details"].get("law")) is not None:
        lines += [f"Its law of colour was integrated: {law['integrated']}."]
    elif not lines:
        lines += ["A classifier: every probability is one, and nothing else is to be shown."]
    conventions = sorted({data[key]["convention"] for key in NAMES if data[key]["convention"]})
    return [*lines, "", f"Conventions: {', '.join(f'`{name}`' for name in conventions)}."]


def _cost(data: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    cost, description = data["cost"], data["details"]["description"]
    peak = cost["peak_bytes"]

    def kilobytes(bits: float | None) -> str | None:
        return None if bits is None else f"{bits / 8192:,.1f} KiB"

    return [
        *([("all of this when it was made; the fit is", "from the store")] if cost["cached"] else []),
        ("seconds of the fit", cost["wall_seconds"]),
        ("CPU seconds of the fit", cost["cpu_seconds"]),
        ("seconds of compiling, apart", cost["compile_seconds"]),
        ("seconds of scoring", cost["score_seconds"]),
        (
            "points x iterations a second",
            None if (pace := cost["points_per_second"]) is None else round(pace),
        ),
        ("peak memory", None if peak is None else f"{peak / 2**20:.0f} MiB"),
        ("threads", cost["threads"]),
        ("parameters", data["fit"]["n_parameters"]),
        ("AIC, descriptive", description["aic"]),
        ("BIC, descriptive", description["bic"]),
        ("code of the image under the fit", kilobytes(description["image_bits"])),
        ("code of the parameters", kilobytes(description["parameter_bits"])),
        ("PNG of the image", kilobytes(description["png_bits"])),
    ]


def _fit(data: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    fit = data["fit"]
    return [
        ("iterations", fit["iterations"]),
        ("converged", fit["converged"]),
        *[(f"E[{column}]", value) for column, value in (fit["mean"] or {}).items()],
        *[(name.replace("_", " "), value) for name, value in fit["facts"].items()],
    ]


def _data(data: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    image = data["image"]
    return [
        ("image", f"{image['name']}, {image['width']} x {image['height']}, view {image['view']}"),
        ("sha256", f"`{image['sha256']}`"),
        *[(f"pixels, {part.replace('_', ' ')}", count) for part, count in data["pixels"].items()],
        *[(f"points, {part.replace('_', ' ')}", count) for part, count in data["points"].items()],
        ("seed", data["seed"]),
        ("hold-out", f"{data['hold_out']:g}, in squares of {data['hold_out_block']} px"),
    ]


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_cell(item) for item in row) + " |" for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:z.4f}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"`{prefix}{key}`", str(value) if value is not None else "null"
