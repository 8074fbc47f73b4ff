"""docs/reference/settings.md: every key of the settings, with type, default and meaning."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from castro_spark import settings
from castro_spark.resources import resource
from castro_spark.sections.quality import CheckLimits, QualitySettings
from castro_spark.security import credentials
from castro_spark.settings import Settings
from tools.docs import markdown
from tools.docs.comments import field_comments, yaml_comments

# Set while settings are loaded, by what the key in the second place says; no file can set them.
DERIVED = {"ca_certificates", "secret_options", "options_file", "kerberos_principal"}
# Keys below which names are the user's: how the reference writes such a name, and the one of base.yaml that shows it.
_NAMED = {
    ("streams",): ("NAME", "inventory"),
    ("streams", "NAME", "sources"): ("SOURCE", ""),
    ("alerts", "channels"): ("NAME", ""),
    ("warehouse", "tables"): ("TABLE", "ml_inventory_transactions"),
    ("warehouse", "tables", "TABLE", "columns"): ("COLUMN", ""),
}
_OF_EVERY_CHECK = ("enabled", "no_data", "of")
_WORDS = {bool: "true or false", int: "integer", float: "number", str: "text"}
_INTRODUCTION = """\
A run's settings are conf/base.yaml, then over it conf/local.yaml or conf/cluster.yaml (`--env local`, `--env
cluster`) or a file of your own (`--conf-file PATH`), then the [environment variables](environment.md). A file
needs only the keys that it changes. They are checked when they are loaded: a wrong or unknown key is an error
that names the file and the key, with exit status 2. `./spark-submit.sh init` writes a first file for a cluster.

*Default* is the value in conf/base.yaml; in parentheses the one in conf/cluster.yaml, if it differs. A key
without a default must be set where its section is. Of `streams.NAME` the defaults of inventory are shown.
Secrets are in no file: they come from [variables or files](environment.md#secrets)."""


@dataclass(frozen=True)
class Key:
    """A key as its readers see it; `type` is empty for a section."""

    path: tuple[str, ...]
    type: str
    default: str
    meaning: str

    @property
    def name(self) -> str:
        return ".".join(self.path)


def page() -> str:
    """The page."""
    parts = [_INTRODUCTION]
    sections: dict[str, list[Key]] = {"": []}
    for key in keys():
        section = key.path[0] if not key.type or len(key.path) > 1 else ""
        sections.setdefault(section, []).append(key)
    for name, found in sections.items():
        head, rows = (found[0], found[1:]) if name else (None, found)
        parts.append(f"## {name or 'At the top'}")
        if head is not None and head.meaning:
            words = _linked(head.meaning)
            parts.append(f"{words[:1].upper()}{words[1:]}.")
        parts.append(
            markdown.table(
                ["key", "type", "default", "meaning"],
                ([markdown.code(key.name), key.type, key.default, _linked(key.meaning)] for key in rows),
            )
        )
    return markdown.page("Settings", *parts)


@cache
def keys() -> tuple[Key, ...]:
    """Every key that a file can set, sections before what is in them, in the order of the models."""
    base = yaml.safe_load(resource("conf/base.yaml").read_text("utf-8"))
    cluster = yaml.safe_load(resource("conf/cluster.yaml").read_text("utf-8"))
    comments = yaml_comments(resource("conf/base.yaml").read_text("utf-8"))
    return tuple(_of(Settings, (), (), _Shown(base, cluster, comments)))


@dataclass(frozen=True)
class _Shown:
    """What the files show: values and comments."""

    base: Mapping[str, Any]
    cluster: Mapping[str, Any]
    comments: Mapping[tuple[str, ...], str]


def _of(model: type[BaseModel], path: tuple[str, ...], place: tuple[str, ...], shown: _Shown) -> Iterator[Key]:
    """`path` as the reference writes it; `place`: where base.yaml shows it."""
    beside = field_comments(model)
    if model is QualitySettings:
        yield Key((*path, "CHECK"), "", "", "What every check has.")
        for field in _OF_EVERY_CHECK:
            info = CheckLimits.model_fields[field]
            default = _default(info, ("",), shown, is_section=False)
            comment = field_comments(CheckLimits)[field]
            yield Key((*path, "CHECK", field), _type(info.annotation, info.metadata), default, comment)
    for field, info in model.model_fields.items():
        if issubclass(model, CheckLimits) and field in _OF_EVERY_CHECK:
            continue
        name = info.alias or field
        if field in DERIVED or _is(info.annotation, SecretStr):
            continue
        here, there = (*path, name), (*place, name)
        meaning = shown.comments.get(there) or beside.get(field, "")
        models = list(_models(info.annotation))
        named = here in _NAMED
        default = _default(info, there, shown, is_section=bool(models))
        if not models:
            yield Key(here, _type(info.annotation, info.metadata), default, meaning)
            continue
        meaning = meaning or (models[0].__doc__ or "") * (not named and len(models) == 1)
        yield Key(here, "", "" if not named else default, " ".join(meaning.split()))
        if named:
            word, example = _NAMED[here]
            here, there = (*here, word), (*there, example)
        if len(models) == 1:
            yield from _of(models[0], here, there, shown)
        else:
            yield from _union(models, here, there, shown)


def _union(
    models: list[type[BaseModel]], path: tuple[str, ...], place: tuple[str, ...], shown: _Shown
) -> Iterator[Key]:
    """First the keys that all have, then by `type` those of each."""
    own = {"type", *(models[0].model_fields.keys() - set.intersection(*(set(m.model_fields) for m in models)))}
    shared = {key.path[-1]: key for key in _of(models[0], path, place, shown) if key.path[-1] not in own}
    yield from shared.values()
    for model in models:
        (kind,) = get_args(model.model_fields["type"].annotation)
        yield Key((*path, f"type: {kind}"), "", "", " ".join((model.__doc__ or "").split()))
        yield from (key for key in _of(model, path, place, shown) if key.path[-1] not in {"type", *shared})


def _is(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_is(part, kind) for part in get_args(annotation))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _type(annotation: Any, metadata: list[Any]) -> str:
    return f"{_kind(annotation)}{_bounds(metadata)}"


def _kind(annotation: Any) -> str:  # noqa: PLR0911  a case each
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(parts[0])
    if origin is Literal:
        return _choice(str(part) for part in parts)
    if origin in {Union, types.UnionType}:
        return " or ".join("`null`" if part is type(None) else _kind(part) for part in parts)
    if origin in {tuple, frozenset, list}:
        item = _kind(parts[0])
        if get_origin(parts[0]) in {tuple, list}:
            return "list of lists"
        return f"list of {item}" if item.startswith("`") else "list"
    if origin is dict:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(str(member.value) for member in annotation)
    return _WORDS.get(annotation, "number")


def _choice(values: Any) -> str:
    return ", ".join(markdown.code(value) for value in values)


def _bounds(metadata: list[Any]) -> str:
    low = next((f"{sign} {value}" for m in metadata for name, sign in (("gt", ">"), ("ge", "≥"))
                if (value := getattr(m, name, None)) is not None), "")  # fmt: skip
    high = next((f"{sign} {value}" for m in metadata for name, sign in (("lt", "<"), ("le", "≤"))
                 if (value := getattr(m, name, None)) is not None), "")  # fmt: skip
    return f", {' and '.join(bound for bound in (low, high) if bound)}" if low or high else ""


def _default(info: FieldInfo, place: tuple[str, ...], shown: _Shown, *, is_section: bool) -> str:
    if is_section:
        return ""
    base, cluster = _at(shown.base, place), _at(shown.cluster, place)
    if base is _NOWHERE and not info.is_required():
        base = info.get_default(call_default_factory=True)
    if place[0] == "warehouse" and "tables" in place:  # a table's own columns are no defaults of another's
        base = _NOWHERE if info.is_required() else info.get_default(call_default_factory=True)
    text = "" if base is _NOWHERE else _value(base)
    return text if cluster is _NOWHERE or cluster == base else f"{text} ({_value(cluster)})".strip()


_NOWHERE = object()


def _at(tree: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        if not isinstance(tree, Mapping) or name not in tree:
            return _NOWHERE
        tree = tree[name]
    return tree


def _value(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return markdown.code("null")
    if isinstance(value, bool):
        return markdown.code(str(value).lower())
    if isinstance(value, frozenset | tuple | list):
        items = sorted(value) if isinstance(value, frozenset) else list(value)
        return markdown.code(f"[{', '.join(map(str, items))}]")
    if isinstance(value, Mapping):
        return markdown.code("{}" if not value else yaml.safe_dump(value, default_flow_style=True, width=1000).strip())
    return markdown.code(value)


def _linked(text: str) -> str:
    """A comment with the pages that it names as links, seen from docs/reference."""
    for page in sorted({word.strip("(),.:;") for word in text.split() if word.startswith(("docs/", "(docs/"))}):
        text = text.replace(page, f"[{page}](../{page.removeprefix('docs/')})")
    return markdown.fragment(text)


def overrides() -> dict[str, str]:
    """The variables that set a key which a file can set too, with the key's name."""
    return {name: ".".join(path) for name, path in settings.OVERRIDES.items()}


def of_secrets() -> dict[str, str]:
    """The variables of secrets, with the name of the setting."""
    return {name: ".".join(path) for name, path in credentials.SECRETS.items()}
