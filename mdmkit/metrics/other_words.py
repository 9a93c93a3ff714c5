"""Words of the field for what has another name here, and names that are nearly right."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

#: Other words without their signs, and the names that the same thing has here.
_HERE = {
    **dict.fromkeys(
        ("dice", "dicescore", "dsc", "f1score", "fscore", "fmeasure", "f1measure", "pixelf1"), "f1"
    ),
    **dict.fromkeys(("jaccard", "jaccardindex", "intersectionoverunion", "miou"), "iou"),
    **dict.fromkeys(("sensitivity", "tpr", "truepositiverate", "hitrate"), "recall"),
    "f2": "fbeta@beta=2",
    "f05": "fbeta@beta=0.5",
    **dict.fromkeys(("auc", "roc", "rocauc", "aucroc", "pixelauroc", "pixelauc"), "auroc"),
    **dict.fromkeys(("pauroc", "areaunderroc"), "auroc"),
    **dict.fromkeys(("auprc", "aupr", "prauc", "aucpr", "averageprecision", "map"), "ap"),
    **dict.fromkeys(("pixelap", "pixelaupr", "pap"), "ap"),
    **dict.fromkeys(("fpr95tpr", "fprat95tpr", "fpr95recall", "fpr095", "fprattpr95"), "fpr95"),
    "falsepositiverate": "fpr",
    **dict.fromkeys(("maxf1", "f1max", "f1best", "optimalf1", "f1opt", "odsf1", "ods"), "best_f1"),
    **dict.fromkeys(("maxdice", "bestdice", "pixelf1max", "f1scoremax"), "best_f1"),
    **dict.fromkeys(("siougt", "adjustediou"), "siou"),
    **dict.fromkeys(("componentf1", "f1star", "averagef1"), "mean_f1"),
    **dict.fromkeys(("surfacedice", "normalizedsurfacedice"), "nsd@px=3"),
    **dict.fromkeys(("bf1", "bfscore", "boundaryf1", "boundaryfscore"), "boundary_f@px=3"),
    **dict.fromkeys(("boundaryjaccard", "biou"), "boundary_iou"),
    **dict.fromkeys(("proscore", "proauc", "aucpro", "pixelaupro"), "aupro"),
    **dict.fromkeys(("imageauc", "imgauroc", "imgauc", "iauroc", "iauc"), "image_auroc"),
    **dict.fromkeys(("imageaupr", "imgap", "iap"), "image_ap"),
    **dict.fromkeys(("imagef1max", "imgf1", "if1"), "image_f1"),
    "froc": "found@alarms=0.1",
    **dict.fromkeys(("falsealarms", "fppi", "falsepositivesperimage"), "alarms"),
}
#: Other words for what a metric here leaves of 1.
_REST_OF = {
    **dict.fromkeys(("specificity", "tnr", "truenegativerate", "selectivity"), "fpr"),
    **dict.fromkeys(("fnr", "missrate", "falsenegativerate"), "recall"),
    "falsediscoveryrate": "precision",
}


def called_here(word: str, known: Collection[str]) -> str | None:
    """The name that is meant by a word: spelled alike, the field's other word for it, or near it.

    Parameters
    ----------
    word : str
        Without options.
    known : collection of str
        Names that would do.

    Examples
    --------
    >>> [called_here(word, ["f1", "fpr95"]) for word in ("Dice", "FPR-95", "F1_", "kappa")]
    ['f1', 'fpr95', 'f1', None]
    """
    stems = {name.partition("@")[0]: name for name in reversed(tuple(known))}
    alike = [name for stem, name in stems.items() if _letters(stem) == _letters(word)]
    ours = _HERE.get(_letters(word), "")
    if alike or ours.partition("@")[0] in stems:
        return alike[0] if alike else ours
    near = get_close_matches(word.lower(), stems, 1, cutoff=0.7)
    return stems[near[0]] if near else None


def as_rest(word: str) -> str:
    """Say which metric a word is the rest of, if it is of one.

    Examples
    --------
    >>> as_rest("TNR"), as_rest("f1")
    ('; TNR is 1 - fpr', '')
    """
    ours = _REST_OF.get(_letters(word))
    return f"; {word} is 1 - {ours}" if ours else ""


def _letters(word: str) -> str:
    return re.sub(r"[\W_]", "", word.lower())
