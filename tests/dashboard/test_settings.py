"""Settings: from the command line, the environment, the defaults; and what is wrong, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard import settings


def test_without_any_variable_the_defaults_serve_this_machine_only() -> None:
    found = settings.read()
    assert (found.host, found.port, found.cache) == ("127.0.0.1", 8050, "memory")
    assert found.tianditu_key == ""
    assert found.audience == "internal"


def test_the_environment_is_read_and_the_command_line_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BANGFU_PORT", "9000")
    monkeypatch.setenv("BANGFU_WORKSPACE", "/srv/atlas")
    assert settings.read().port == 9000
    assert settings.read(port=9001, host=None).port == 9001
    assert settings.read().workspace == Path("/srv/atlas")


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("BANGFU_PORT", "eighty", "要写整数"),
        ("BANGFU_PORT", "0", "1 到 65535"),
        ("BANGFU_WORKERS", "100", "1 到 64"),
        ("BANGFU_CACHE", "/tmp/cache", "redis://"),
        ("BANGFU_AUDIENCE", "everyone", "internal"),
        ("BANGFU_ACCESS_LOG", "maybe", "true 或 false"),
        ("BANGFU_TIANDITU_KEY", "a b'; script-src *", "只含字母和数字"),
        ("BANGFU_HOST", "not a host", "127.0.0.1"),
        ("BANGFU_ACCESS", "everyone", "'accounts'、'open'"),
        ("BANGFU_PROXIES", "6", "0 到 5"),
        ("BANGFU_SESSION_IDLE_MINUTES", "0", "1 到 1440"),
        ("BANGFU_WRITE_LIMIT", "often", "120 per minute"),
        ("BANGFU_SIGN_IN_LIMIT", "", "120 per minute"),
        ("BANGFU_LEDGER", "mysql://host/name", "postgresql+psycopg://"),
        ("BANGFU_LEDGER", "/srv/ledger.sqlite", "sqlite:////"),
        ("BANGFU_LEDGER", "sqlite://", "sqlite:////"),
        ("BANGFU_LEDGER", "postgresql://host", "主机/库名"),
        ("BANGFU_OIDC_ISSUER", "http://id.example.cn", "https://"),
        ("BANGFU_OIDC_ISSUER", "https://id.example.cn/?x", "https://"),
        ("BANGFU_OIDC_LABEL", "长" * 41, "最多 40 个字"),
    ],
)
def test_a_wrong_value_is_named_with_variable_value_and_cure(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, cure: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(settings.SettingsError) as caught:
        settings.read()
    sentence = str(caught.value)
    assert name in sentence
    assert f"「{value}」" in sentence, sentence
    assert cure in sentence


def test_a_mistyped_variable_is_not_ignored_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANGFU_WORKER", "4")
    with pytest.raises(settings.SettingsError, match="BANGFU_WORKERS"):
        settings.read()


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in settings.Settings.model_fields.items():
        assert field.description, name


@pytest.mark.parametrize("address", ["redis://host:abc", "redis://host:99999", "redis://[::1"])
def test_an_address_that_no_redis_can_have_is_told_before_a_worker_starts(address: str) -> None:
    with pytest.raises(settings.SettingsError, match="BANGFU_CACHE"):
        settings.read(cache=address)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_by_psycopg_however_it_is_spelt(scheme: str) -> None:
    found = settings.read(ledger=f"{scheme}://me:secret@host:5433/name")
    assert found.ledger == "postgresql+psycopg://me:secret@host:5433/name"


def test_a_ledger_may_be_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    assert settings.read(ledger=url).ledger == url
    assert settings.read().ledger == "", "the workspace's own"


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = {"oidc_issuer": "https://id.example.cn", "oidc_client_id": "bangfu"}
    ledger = "postgresql://me:hunter2@host/name"
    found = settings.read(ledger=ledger, oidc_client_secret="hunter2", **provider)
    assert found.oidc_client_secret.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(found) + str(found)
    for wrong in (
        {"ledger": "mysql://me:hunter2@host/name"},
        {"ledger": "postgresql:me:hunter2@host/name"},
        {"cache": "redis://:hunter2@host:port"},
        {"oidc_client_secret": ["hunter2"], **provider},
        {"oidc_client_secret": "hunter2"},
    ):
        with pytest.raises(settings.SettingsError) as caught:
            settings.read(**wrong)
        assert "hunter2" not in str(caught.value)
        assert "BANGFU_" in str(caught.value)


def test_a_provider_is_named_whole_or_not_at_all() -> None:
    with pytest.raises(settings.SettingsError, match="要么都写"):
        settings.read(oidc_issuer="https://id.example.cn")
    near = {"oidc_client_id": "bangfu", "oidc_client_secret": "x"}
    for issuer in ("http://127.0.0.1:9000", "https://id.example.cn/realms/office"):
        assert settings.read(oidc_issuer=issuer, **near).oidc_issuer == issuer
