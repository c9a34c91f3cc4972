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
    assert f"「{value}」" in sentence
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
