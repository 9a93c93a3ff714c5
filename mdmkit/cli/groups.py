"""Groups of options: a command takes a dataclass, its command line takes the fields.

    @with_groups
    def inspect(methods: Methods, frames: Frames, quiet: Quiet = False) -> None: ...

reads `--dataset` and `--target`, and gets `Frames(dataset=..., target=...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args, get_origin, get_type_hints

from mdmkit.cli import options
from mdmkit.cli.options import find_ground_truth, parse_normalize
from mdmkit.cli.result_options import FigureName
from mdmkit.cli.terminal import Debug, Overwrite, Quiet
from mdmkit.core.arguments import as_bytes
from mdmkit.core.label_values import parse_labels
from mdmkit.core.records import Json

if TYPE_CHECKING:
    from mdmkit.datasets import Choice, DataSet

Command = Callable[..., None]


def with_groups(command: Command) -> Command:
    """Let the command line take the fields of each dataclass among a command's parameters."""
    hints = _hints(command)
    groups: Json = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    @wraps(command)
    def grouped(**given: object) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    parameters = [
        option
        for parameter in signature(command).parameters.values()
        for option in _options_of(parameter, hints[parameter.name])
    ]
    described = signature(command).replace(parameters=parameters, return_annotation=None)
    vars(grouped)["__signature__"] = described
    grouped.__annotations__ = {option.name: option.annotation for option in parameters}
    return grouped


def _hints(annotated: object) -> Json:
    """Annotations by name, those with an option as they are written.

    Python 3.10 puts Optional around an annotation whose default is None, where typer does not look.
    """
    hints = get_type_hints(annotated, include_extras=True)
    inside = {
        name: [each for each in get_args(hint) if get_origin(each) is Annotated]
        for name, hint in hints.items()
        if get_origin(hint) is not Annotated
    }
    return {name: inside[name][0] if inside.get(name) else hint for name, hint in hints.items()}


def _options_of(parameter: Parameter, hint: object) -> Iterator[Parameter]:
    """A parameter by itself, or those that a group stands for; all are given by name."""
    if not is_dataclass(hint):
        yield parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hint)
        return
    hints = _hints(hint)
    for each in fields(hint):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        yield Parameter(
            each.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if default is MISSING else default,
            annotation=hints[each.name],
        )


@dataclass(frozen=True)
class Frames:
    """Frames with their ground truth."""

    dataset: options.DataSetName = None
    target: options.Target = None
    frames: options.KeysFile = None
    score_ending: options.ScoreEnding = ""
    resize: options.Resize = None
    invert: options.Invert = field(default_factory=list)

    def find(self) -> DataSet:
        """The data set that was asked for."""
        return find_ground_truth(**vars(self))


@dataclass(frozen=True)
class PicturedFrames(Frames):
    """Frames with their ground truth and images."""

    images: options.Images = None


@dataclass(frozen=True)
class Labels:
    """Options for the meaning of label values."""

    anomaly_label: options.AnomalyLabel = None
    normal_label: options.NormalLabel = None
    ignore_index: options.IgnoreIndex = None

    def given(self) -> Json:
        """Options that were given, by argument; all others are the data set's."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        for name in ("anomaly_label", "normal_label", "ignore_index"):
            if name in given:
                given[name] = parse_labels(given[name], name.replace("_", "-"))
        return given

    def choose(self, truth: DataSet | None) -> Choice:
        """Choose what the options say, else the data set."""
        from mdmkit.datasets import choose

        return choose(truth, **self.given())


@dataclass(frozen=True)
class Judging(Labels):
    """Options for label values and component sizes."""

    min_prediction: options.MinPrediction = None
    min_target: options.MinTarget = None


@dataclass(frozen=True)
class ImageJudging(Judging):
    """Options for label values, component sizes and aggregation."""

    aggregate: options.Aggregate = None


@dataclass(frozen=True)
class Counting:
    """Options for reading and counting score maps."""

    normalize: options.Normalize = field(default_factory=list)
    missing: options.Missing = "error"
    key: options.Key = None
    memory: options.Memory = "2G"
    jobs: options.Jobs = 1

    def of(self, methods: dict[str, str]) -> Json:
        """Return the options by argument, as the functions that count take them."""
        return {
            "normalize": parse_normalize(self.normalize, methods),
            "missing": self.missing,
            "key": self.key,
            "memory": as_bytes(self.memory),
            "jobs": self.jobs,
        }


@dataclass(frozen=True)
class Result:
    """Options for the output and form of a table."""

    format: options.Form = None
    output: options.Output = None
    quiet: Quiet = False
    overwrite: Overwrite = False
    debug: Debug = False

    def check(self) -> str:
        """The form; a file that cannot be written is refused before the work is done."""
        from mdmkit.core.files import check_output
        from mdmkit.tables.forms import check_form

        form = check_form(self.format or options.form_of(self.output))
        if self.output is not None:
            check_output(self.output, self.overwrite)
        return form


@dataclass(frozen=True)
class FigureFile:
    """Options for the output of a figure."""

    output: FigureName
    quiet: Quiet = False
    overwrite: Overwrite = False
    debug: Debug = False

    def check(self, width: str, *, names: Sequence[Path] = ()) -> None:
        """Refuse what cannot be written, before the work is done."""
        from mdmkit.core.files import check_output
        from mdmkit.plots import as_width, check_figure_name

        for name in names or (self.output,):
            check_output(name, self.overwrite)
            check_figure_name(name)
        as_width(width)
