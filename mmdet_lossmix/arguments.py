"""Refuses arguments that are no number of a range, or no dict."""

from numbers import Real
from typing import Any


def check_number(
    name: str, value: Any, interval: str, whole: bool = False, hint: str = ''
) -> None:
    """Refuse what is not a number of an interval.

    Args:
        name (str): Of the argument.
        value (Any): What was given.
        interval (str): As in mathematics, such as ``'[0, 1)'`` or ``'[1, inf)'``.
        whole (bool): Whether it must have no fraction. Defaults to False.
        hint (str): To be added to the error of a number out of its range.

    Raises:
        TypeError: If ``value`` is no number.
        ValueError: If it is out of the interval, or NaN.
    """
    wanted = f'Set `{name}` to a {"whole " if whole else ""}number in {interval}'
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f'{wanted}, not {value!r:.80} of type {type(value).__name__}.')
    number: Any = value
    low, high = (float(end) for end in interval[1:-1].split(','))
    above = number >= low if interval.startswith('[') else number > low
    below = number <= high if interval.endswith(']') else number < high
    if not (above and below) or (whole and number != int(number)):
        raise ValueError(f'{wanted}, not {value}{hint}.')


def check_dicts(optional: bool, /, **arguments: Any) -> None:
    """Refuse arguments that are no dict (nor None, if optional) with a TypeError."""
    for name, value in arguments.items():
        if not (isinstance(value, dict) or (optional and value is None)):
            raise TypeError(f'Set `{name}` to a dict, not {value!r:.80}.')
