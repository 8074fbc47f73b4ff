"""Ask the application to retrain its model when the data call for it; record finished trainings."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.errors import NotDelivered, UsageError
from castro_spark.observe.heartbeat import reported
from castro_spark.outbox.deliverer import deliver_once
from castro_spark.process.user import user_name
from castro_spark.retraining import store
from castro_spark.retraining.decide import decide_now, decision_id
from castro_spark.retraining.policy import Reason
from castro_spark.retraining.record import Finished, record
from castro_spark.retraining.store import Decided, Training
from castro_spark.retraining.text import NO_CHANNEL, decision_lines, training_line
from castro_spark.sinks.postgres.connection import connect
from castro_spark.streams import all_streams

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(help=__doc__)
def main() -> None:
    """Each command takes the settings options."""


@main.command()
@cli.settings_options
@click.option("--limit", type=cli.NUMBER, default=10, show_default=True, help="Decisions shown.")
@json_option
def status(env: str, conf_file: Path | None, limit: int, as_json: bool) -> None:
    """Show the last training and the newest decisions, each with its reason."""
    settings = cli.load_migrated(env, conf_file)
    model = settings.retraining.model
    with (
        closing(connect(settings.postgres, "castro_spark retraining")) as connection,
        connection, connection.cursor() as cursor,
    ):  # fmt: skip
        decisions = store.newest(cursor, model, limit)
        training = store.last_training(cursor, model)
    if as_json:
        shown = None if training is None else _training(training)
        cli.print_json({"model": model, "training": shown, "decisions": [vars(d) for d in decisions]})
        return
    click.echo(f"{model}: {training_line(training)}")
    for decided in decisions:
        click.echo("\n".join(decision_lines(decided)))
    if not decisions:
        click.echo("never decided (./spark-submit.sh retraining decide)")


@main.command()
@cli.settings_options
@json_option
def decide(env: str, conf_file: Path | None, as_json: bool) -> None:
    """Decide now, from measured evidence; if it fires, the task is sent. Run it by a timer, such as every hour.

    Exit status 0 whether it fires or not; 1 if the evidence could not be measured (nothing is stored then), or if it
    would have fired and no channel takes it.
    """
    settings = cli.load_migrated(env, conf_file)
    with reported(settings.postgres, "retraining") as component:
        decided = decide_now(settings, all_streams())
        component.progressed(fired=decided.fired, reason=decided.reason)
        if decided.reason == Reason.NO_CHANNEL.value:
            _print(decided, as_json)
            raise NotDelivered(f"a retraining is due, and no channel of {conf_file or env} takes it", NO_CHANNEL)
    _print(decided, as_json)
    if decided.fired and settings.alerts.deliver:
        deliver_once(settings)


@main.command("record")
@cli.settings_options
@click.option("--trained-at", required=True, help="When the training ended: ISO-8601; without an offset local time.")
@click.option("--data-until", required=True, type=_DAY, help="The last business day of its data.")
@click.option("--data-from", type=_DAY, help="The first business day of its data.  [default: all]")
@click.option("--metric", "metrics", multiple=True, metavar="NAME=VALUE", help="Such as f1=0.87; may be repeated.")
@click.option("--decision", help="The decision that asked for it: the task's id.")
@click.option("--by", default=user_name, show_default="the user", callback=cli.words, help="Who records it.")
@json_option
def record_(
    env: str,
    conf_file: Path | None,
    trained_at: str,
    data_until: datetime,
    data_from: datetime | None,
    metrics: tuple[str, ...],
    decision: str | None,
    by: str,
    as_json: bool,
) -> None:
    """Record a finished training: later data are compared with its. Idempotent: the same one again changes nothing."""
    settings = cli.load_migrated(env, conf_file)
    try:
        moment = datetime.fromisoformat(trained_at.replace("Z", "+00:00"))
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=settings.zone)).astimezone(timezone.utc)
    except (ValueError, OverflowError):  # no time, or one beyond the calendar
        raise click.UsageError("--trained-at: write 2026-03-02T18:00 or 2026-03-02T18:00-03:00") from None
    asked_for = decision_id(decision) if decision else None
    if decision and asked_for is None:
        raise UsageError(f"--decision {decision} is no decision's id", "give the task's id, a UUID")
    finished = Finished(
        moment, data_until.date(), data_from.date() if data_from else None, _metrics(metrics), asked_for, by
    )
    training, is_new = record(settings, all_streams(), finished)
    if as_json:
        cli.print_json({**_training(training), "new": is_new})
    else:
        click.echo(("recorded: " if is_new else "recorded before: ") + training_line(training))


def _metrics(texts: tuple[str, ...]) -> dict[str, float]:
    named = [_metric(text) for text in texts]
    names = [name for name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"--metric names {', '.join(twice)} more than once", "give each metric one value")
    return dict(named)


def _metric(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not name.strip() or number - number != 0:  # NaN and infinity too
        raise UsageError(f"--metric {text}: not NAME=NUMBER", "write such as f1=0.87")
    return name.strip(), number


def _training(training: Training) -> dict[str, object]:
    return {**vars(training), "bins": {name: of["counts"] for name, of in training.bins["features"].items()}}


def _print(decided: Decided, as_json: bool) -> None:
    if as_json:
        cli.print_json(vars(decided))
    else:
        click.echo("\n".join(decision_lines(decided)))


if __name__ == "__main__":
    cli.run(main)
