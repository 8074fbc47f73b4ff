"""Settings of the alerts: which are refused, in which words; and how secrets reach them and the cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from castro_spark.deploy.shipping import checkable, ship
from castro_spark.errors import SettingsError
from castro_spark.properties_file import parse
from castro_spark.settings import load_settings

CANARY = "c4n4ry"
MAIL = "type: email, host: h, sender: a@b, recipients: [c@d]"


@pytest.mark.parametrize(
    ("channel", "environ", "words"),
    [
        ("{type: pigeon}", {}, "alerts.channels.x: Input tag 'pigeon' found using 'type' does not match any of the expected tags"),
        ("{type: log, colour: red}", {}, "alerts.channels.x.log.colour: Extra inputs"),
        ("{type: log, min_severity: fatal}", {}, "min_severity: Input should be 'warning' or 'critical'"),
        ("{type: webhook}", {}, "needs its url, or CASTRO_ALERTS_{CHANNEL}_URL"),
        ("{type: webhook, url: 'https://h'}", {"CASTRO_ALERTS_X_URL": f"https://h/{CANARY}"}, "needs its url, or"),
        ("{type: webhook, url: 'ftp://h'}", {}, "String should match pattern"),
        (f"{{type: webhook, url: 'https://u:{CANARY}@h/x'}}", {}, "must hold no user and no password"),
        (f"{{type: webhook, url: 'https://h/x?api_key={CANARY}'}}", {}, "must hold no secret in its query"),
        (f"{{type: webhook, url: 'https://h/x', token: {CANARY}}}", {}, "alerts.channels.x.token: a settings file must not hold secrets"),
        (f"{{{MAIL}, username: u, password: {CANARY}}}", {}, "set CASTRO_ALERTS_X_PASSWORD or CASTRO_ALERTS_X_PASSWORD_FILE"),
        (f"{{{MAIL}, username: u}}", {}, "username and CASTRO_ALERTS_{CHANNEL}_PASSWORD"),
        (f"{{{MAIL}, username: u, security: none}}", {"CASTRO_ALERTS_X_PASSWORD": CANARY}, "a password is not sent in clear"),
        (f"{{type: apprise, secret_url: 'json://{CANARY}'}}", {}, "a settings file must not hold secrets"),
        ("{type: apprise}", {}, "needs CASTRO_ALERTS_{CHANNEL}_URL"),
        (f"{{type: celery, broker: 'redis://:{CANARY}@h/0'}}", {}, "must hold no user and no password"),
        ("{type: celery, broker: 'unix:///s'}", {}, "must begin with redis:// or rediss://"),
        ("{type: celery, tasks: {other: x}}", {}, "Input should be 'incident', 'critical_product' or 'retraining'"),
        ("{type: webhook, url: 'https://h/x'}", {"CASTRO_ALERTS_X_TOKEN": f"{CANARY}\nnext"}, "CASTRO_ALERTS_X_TOKEN: alerts.channels.x.webhook.token: Value error, must be one line"),
        ("{type: webhook, url: 'https://h/x'}", {"CASTRO_ALERTS_X_TOKEN": f"{CANARY}\u20ac"}, "must be one line of printable ASCII"),
        ("{type: webhook}", {"CASTRO_ALERTS_X_URL": CANARY}, "CASTRO_ALERTS_X_URL: alerts.channels.x.webhook.secret_url: Value error, is no URL: write https://host/path"),
        ("{type: webhook}", {"CASTRO_ALERTS_X_URL": f"http://h:99999/{CANARY}"}, "is no URL: write https://host/path"),
        ("{type: webhook, url: 'http://h h/x'}", {}, "is no URL: write https://host/path"),
        ("{type: log}", {"CASTRO_ALERTS_X_TOKEN": CANARY}, "CASTRO_ALERTS_X_TOKEN: alerts.channels.x.log.token: Extra inputs"),
    ],
)  # fmt: skip
def test_refused_and_not_repeated(tmp_path: Path, channel: str, environ: dict[str, str], words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"alerts: {{channels: {{x: {channel}}}}}")
    with pytest.raises(SettingsError) as error:
        load_settings(conf_file=path, environ=environ)
    assert words in str(error.value)
    assert CANARY not in str(error.value) + repr(error.value)


def test_a_name_is_a_part_of_a_variable(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("alerts: {channels: {A-b: {type: log}}}")
    with pytest.raises(SettingsError, match="should match pattern"):
        load_settings(conf_file=path, environ={})


def test_secrets_by_variable_or_file_are_masked(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"alerts: {{channels: {{log: null, ops_mail: {{{MAIL}, username: u}}, hook: {{type: webhook}}}}}}")
    (tmp_path / "p").write_text(f"{CANARY}1\n")
    environ = {
        "CASTRO_ALERTS_OPS_MAIL_PASSWORD_FILE": str(tmp_path / "p"), "CASTRO_ALERTS_HOOK_URL": f"https://h/{CANARY}2",
        "CASTRO_ALERTS_OTHER_TOKEN": "of other settings",
    }  # fmt: skip
    settings = load_settings(conf_file=path, environ=environ)
    enabled = settings.alerts.enabled
    assert sorted(enabled) == ["hook", "ops_mail"]
    assert enabled["ops_mail"].password.get_secret_value() == f"{CANARY}1"  # type: ignore[attr-defined]
    assert enabled["hook"].address == f"https://h/{CANARY}2"  # type: ignore[attr-defined]
    assert CANARY not in repr(settings) + settings.model_dump_json()
    assert settings.alerts.channels_for("retraining") == ()
    assert load_settings("cluster", environ={}).alerts.channels_for("retraining") == ("celery",)


def test_secrets_are_shipped_as_files(tmp_path: Path) -> None:
    (tmp_path / "p").write_text(CANARY)
    folder = tmp_path / "ship"
    folder.mkdir()
    environ = {"CASTRO_ALERTS_MAIL_PASSWORD_FILE": str(tmp_path / "p"), "CASTRO_ALERTS_HOOK_TOKEN": CANARY}
    shipped = ship(environ, [], folder)
    assert (folder / "castro-alerts-mail-password").read_text() == (folder / "castro-alerts-hook-token").read_text() == CANARY
    variables = parse((folder / "castro-variables.properties").read_text())
    assert variables == {
        "CASTRO_ALERTS_MAIL_PASSWORD_FILE": "castro-alerts-mail-password", "CASTRO_ALERTS_HOOK_TOKEN_FILE": "castro-alerts-hook-token",
    }  # fmt: skip
    assert CANARY not in str(shipped) + str(variables)
    there = checkable({"CASTRO_ALERTS_MAIL_PASSWORD_FILE": "local:/etc/mail"})
    assert there["CASTRO_ALERTS_MAIL_PASSWORD"] == "elsewhere"
