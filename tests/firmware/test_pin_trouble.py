"""Why the pins are not available: one line of advice for everything that is known to keep them away."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from bedtick.firmware import pin_trouble, pins
from bedtick.firmware.pin_trouble import PinsUnavailableError
from bedtick.firmware.pins import open_pins


@pytest.fixture
def importing(monkeypatch):
    """Return a function that has the import of RPi.GPIO do something, with these packages installed."""

    def put(act, *packages):
        def distribution(name):
            if name not in packages:
                raise PackageNotFoundError(name)

        monkeypatch.setattr(pin_trouble, "distribution", distribution)
        monkeypatch.setattr(pins.importlib, "import_module", act)

    return put


def gpio(set_mode=lambda _mode: None):
    """Return what little of the module `RPi.GPIO` is needed to open it."""
    return SimpleNamespace(BCM=11, setwarnings=lambda _wanted: None, setmode=set_mode)


def failing(error):
    """Return a function that raises."""

    def act(*_):
        raise error

    return act


def reason():
    """Say why the pins can not be opened."""
    with pytest.raises(PinsUnavailableError) as caught, open_pins(lambda: 0):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("This module can only be run on a Raspberry Pi!"), "no Raspberry Pi"),
        (RuntimeError("This module does not understand old-style revision codes"), "so old a Raspberry"),
        (RuntimeError("Cannot determine SOC peripheral base address"), "apt install python3-rpi-lgpio"),
        (RuntimeError("No access to /dev/mem.  Try running as root!"), r"usermod -aG gpio \$USER"),
        (RuntimeError("something new"), "pins: something new"),
    ],
)
def test_what_a_package_says_at_its_import_becomes_advice(importing, error, words):
    """Each known message becomes one line that says what to do; an unknown one is passed on."""
    importing(failing(error), "RPi.GPIO")
    assert re.search(words, reason())


def test_a_missing_package_is_named(importing):
    """Without either package the line says which to install, and how a virtual environment sees it."""
    importing(failing(ModuleNotFoundError("No module named 'RPi'", name="RPi")))
    assert "rpi-lgpio is not installed" in reason()
    assert "--system-site-packages" in reason()


def test_half_a_package_is_named(importing):
    """A package whose shared file went with the other's removal, and one without lgpio, are told apart."""
    importing(failing(ModuleNotFoundError("No module named 'RPi.GPIO'", name="RPi.GPIO")), "rpi-lgpio")
    assert "rpi-lgpio is installed but its file is gone" in reason()
    importing(failing(ModuleNotFoundError("No module named 'lgpio'", name="lgpio")), "rpi-lgpio")
    assert "python3-lgpio" in reason()


def test_two_packages_that_hide_each_other_are_named(importing):
    """Whatever goes wrong while both are installed, the line says that one hides the other."""
    importing(failing(RuntimeError("something new")), "rpi-lgpio", "RPi.GPIO")
    assert "one hides the other" in reason()


@pytest.mark.parametrize(("mode", "words"), [(0o000, "usermod -aG gpio"), (0o600, "RPI_LGPIO_CHIP")])
def test_a_closed_chip_and_a_missing_one_are_told_apart(tmp_path, monkeypatch, mode, words):
    """What lgpio says is the same for both; the files in /dev tell which it is."""
    (tmp_path / "gpiochip0").touch(mode=mode)
    monkeypatch.setattr(pin_trouble.os, "access", lambda path, _wanted: bool(path.stat().st_mode & 0o600))
    assert words in pin_trouble._no_chip(tmp_path)


def test_a_chip_that_can_not_be_opened_is_advised_about(importing):
    """What setmode says of the chip is turned into advice."""
    importing(lambda _name: gpio(failing(RuntimeError("can not open gpiochip"))), "rpi-lgpio")
    assert "pins: the kernel's device" in reason() or "usermod" in reason()


def test_the_import_happens_where_files_can_be_made(importing, monkeypatch, tmp_path):
    """The pipe that lgpio leaves where it is imported lands in a folder of ours, and we come back from it."""
    seen = []

    def act(_name):
        Path(".lgd-nfy0").touch()
        seen.append(Path.cwd())
        return gpio()

    importing(act, "rpi-lgpio")
    monkeypatch.chdir(tmp_path)
    with open_pins(lambda: 0):
        assert Path.cwd() == tmp_path
        assert seen[0].exists()
    assert not seen[0].exists()
    assert list(tmp_path.iterdir()) == []
