"""Whether the power supply of a Raspberry Pi holds: what its firmware says through the kernel's files.

The firmware keeps bits, as `vcgencmd get_throttled` shows them: low ones for now, the same 16 higher for
"since the machine was started". Two files pass them on, each where the kernel has it:

| file | says |
|---|---|
| `devices/platform/soc/soc:firmware/get_throttled` | all bits, in hexadecimal digits |
| `class/hwmon/hwmonN/in0_lcrit_alarm`, N where `name` is `rpi_volt` | 1 while the voltage is too low |

Sources: raspberrypi/linux, pull request 2397, for the first; the kernel's driver raspberrypi-hwmon for the
second. The kernel calls the first one deprecated and says so in its log at the first reading after a start,
but the second one does not tell of throttling. Other machines have neither.
"""

from __future__ import annotations

from pathlib import Path

from bedtick.logger.check.finding import GOOD, WARNING, Finding

SYSTEM = Path("/sys")
THROTTLED = "devices/platform/soc*/soc*:firmware/get_throttled"
ALARM = "class/hwmon/hwmon*/in0_lcrit_alarm"
ALARM_DEVICE = "rpi_volt"
LOW_VOLTAGE, SLOWED = 0b0001, 0b1110  # slowed: frequency capped, throttled, at the limit of warmth
SINCE_START = 16  # bits further up
STRONGER = "use the power supply made for this Raspberry Pi, and a short, thick cable"
COOLER = "give the board some air: in a warm case it slows down, and may read the sensor late"


def check_power(system: Path = SYSTEM) -> Finding:
    """Look at the flags of the firmware, below `system`."""
    flags = read_flags(system)
    if flags is None:
        return Finding("power", GOOD, "can not be told here: this machine has no flags for it")
    return judge_flags(flags)


def read_flags(system: Path) -> int | None:
    """Return the firmware's bits; None where no file tells any."""
    for path in sorted(system.glob(THROTTLED)):
        if (flags := _number(path, 16)) is not None:
            return flags
    for path in sorted(system.glob(ALARM)):
        name = path.with_name("name")
        if name.exists() and name.read_text().strip() == ALARM_DEVICE:
            return _number(path, 10)
    return None


def _number(path: Path, base: int) -> int | None:
    try:
        return int(path.read_text(), base)
    except (OSError, ValueError):
        return None


def judge_flags(flags: int) -> Finding:
    """Judge the firmware's bits."""
    if flags & LOW_VOLTAGE:
        return Finding("power", WARNING, "the voltage is too low now", STRONGER)
    if flags & SLOWED:
        return Finding("power", WARNING, "the processor is slowed down now", COOLER)
    if flags >> SINCE_START & LOW_VOLTAGE:
        return Finding("power", WARNING, "the voltage was too low since the machine was started", STRONGER)
    if flags >> SINCE_START & SLOWED:
        return Finding(
            "power", WARNING, "the processor was slowed down since the machine was started", COOLER
        )
    return Finding("power", GOOD, "the voltage holds, and nothing is slowed down")
