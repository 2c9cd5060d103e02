"""English words for numbers: money, dates, times, years, ordinals, fractions, units, decimals and strings of digits."""

import re
from collections.abc import Callable

from num2words import num2words

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
UNITS = {
    "%": "percent", "°c": "degrees celsius", "°f": "degrees fahrenheit", "°": "degrees", "km/h": "kilometers per hour",
    "mph": "miles per hour", "km": "kilometers", "cm": "centimeters", "mm": "millimeters", "m": "meters",
    "kg": "kilograms", "mg": "milligrams", "g": "grams", "lbs": "pounds", "lb": "pounds", "oz": "ounces",
    "ft": "feet", "mi": "miles", "ml": "milliliters", "l": "liters", "khz": "kilohertz", "mhz": "megahertz",
    "ghz": "gigahertz", "hz": "hertz", "kb": "kilobytes", "mb": "megabytes", "gb": "gigabytes", "tb": "terabytes",
    "kbps": "kilobits per second", "ms": "milliseconds", "min": "minutes", "hrs": "hours", "hr": "hours",
    "db": "decibels", "kw": "kilowatts", "w": "watts", "v": "volts",
}  # fmt: skip
"""Abbreviations of units after a number, in lower case, and their plural."""
CURRENCIES = {"$": ("dollar", "cent"), "£": ("pound", "pence"), "€": ("euro", "cent"), "¥": ("yen", "")}
MAX_DIGITS = 15
"""Longer numbers have no common name."""
SCALES = "thousand|million|billion|trillion"

_MONTH = "|".join([*MONTHS, *(f"{month[:3]}\\.?" for month in MONTHS), "sept\\.?"])
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_FRACTIONS = {"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4"}


def cardinal(number: int) -> str:
    """1234 -> one thousand two hundred and thirty-four; a number of `MAX_DIGITS` and more digit by digit."""
    if number >= 10**MAX_DIGITS:
        return digits(str(number))
    return num2words(number).replace(",", "")


def ordinal(number: int) -> str:
    """21 -> twenty-first; a number of `MAX_DIGITS` and more digit by digit, the last one as ordinal."""
    if number >= 10**MAX_DIGITS:
        return f"{digits(str(number // 10))} {num2words(number % 10, to='ordinal')}"
    return num2words(number, to="ordinal").replace(",", "")


def year(number: int) -> str:
    """1905 -> nineteen oh-five; 2005 -> two thousand and five; 1900 -> nineteen hundred."""
    return num2words(number, to="year").replace(",", "")


def digits(text: str) -> str:
    """Each digit as a word: 007 -> zero zero seven."""
    return " ".join(cardinal(int(digit)) for digit in text if digit.isdecimal())


def number(text: str) -> str:
    """A number as it is written, such as 1,234, 3.14, 1995 or 007.

    Four digits from 1100 to 2099 are read as a year; more than nine digits, or more than one of which the first is 0,
    one by one.
    """
    whole, _, decimals = text.replace(",", "").partition(".")
    if len(whole) > 9 or (len(whole) > 1 and whole[0] == "0"):
        words = digits(whole)
    elif not decimals and "," not in text and len(whole) == 4 and 1100 <= int(whole) <= 2099:
        words = year(int(whole))
    else:
        words = cardinal(int(whole))
    return f"{words} point {digits(decimals)}" if decimals else words


def spell_numbers(text: str) -> str:
    """Write every number of a text in words; all other characters are kept.

    A date such as 3/4/2024 is read as month, day and year.
    """
    for sign, fraction in _FRACTIONS.items():
        text = text.replace(sign, fraction)
    for pattern, replace in _RULES:
        text = pattern.sub(replace, text)
    return text


def _money(match: re.Match) -> str:
    """$3.50, £2 million."""
    amount, scale = match["amount"], match["scale"]
    unit, cent = CURRENCIES[match["sign"]]
    plural = unit if unit == "yen" else f"{unit}s"
    whole, _, decimals = amount.replace(",", "").partition(".")
    if scale:
        return f"{_plain(amount)} {scale} {plural}"
    words = f"{cardinal(int(whole))} {unit if int(whole) == 1 else plural}"
    if len(decimals) == 2 and cent and int(decimals):
        cents = int(decimals)
        minor = f"{cardinal(cents)} {cent if cents == 1 or cent == 'pence' else cent + 's'}"
        return minor if int(whole) == 0 else f"{words} and {minor}"
    return words if not decimals.strip("0") else f"{_plain(amount)} {plural}"


def _plain(amount: str) -> str:
    """An amount, never read as a year."""
    whole, _, decimals = amount.replace(",", "").partition(".")
    words = cardinal(int(whole))
    return f"{words} point {digits(decimals)}" if decimals else words


def _month_day(match: re.Match) -> str:
    """March 3, 2024; Jan. 5th; Dec 25 1999."""
    words = f"{_month_name(match['month'])} {ordinal(int(match['day']))}"
    return f"{words}, {year(int(match['year']))}" if match["year"] else words


def _day_month(match: re.Match) -> str:
    """3 March 2024; 5th of May."""
    words = f"{ordinal(int(match['day']))} of {_month_name(match['month'])}"
    return f"{words}, {year(int(match['year']))}" if match["year"] else words


def _numeric_date(match: re.Match) -> str:
    """2024-03-05 and 3/5/2024."""
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year(int(match['year']))}"


def _month_name(text: str) -> str:
    """The month that begins with these three letters."""
    return next(month for month in MONTHS if month.startswith(text[:3].capitalize()))


def _time(match: re.Match) -> str:
    """9:30, 9:05 pm, 10:00."""
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    if hour > 24 or minute > 59:
        return match[0]
    suffix = f" {half[0].upper()} M" if half else ""
    if match["second"]:
        return f"{cardinal(hour)} {cardinal(minute)} and {cardinal(int(match['second']))} seconds{suffix}"
    if minute == 0:
        return cardinal(hour) + (suffix or (" hundred" if hour > 12 else " o'clock"))
    return f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}{suffix}"


def _hour(match: re.Match) -> str:
    """5pm, 11 a.m."""
    return f"{cardinal(int(match['hour']))} {match['half'][0].upper()} M"


def _unit(match: re.Match) -> str:
    """5 km, 20%, -3°C."""
    amount, unit = match["amount"], UNITS[match["unit"].lower()]
    if amount == "1" and unit.split()[0].endswith("s") and not unit.startswith("degrees"):
        first, *rest = unit.split()
        unit = " ".join([first[:-1], *rest])
    return f"{_plain(amount)} {unit}"


def _fraction(match: re.Match) -> str:
    """1/2, 2 3/4."""
    whole, top, bottom = match["whole"], int(match["top"]), int(match["bottom"])
    if bottom < 2:
        return match[0]
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    if top > 1:
        name = "halves" if bottom == 2 else f"{name}s"
    words = f"{cardinal(top)} {name}"
    return f"{cardinal(int(whole))} and {'a ' + name if top == 1 else words}" if whole else words


def _rule(pattern: str, replace: Callable[[re.Match], str]) -> tuple[re.Pattern, Callable[[re.Match], str]]:
    """A rule for a pattern that begins and ends outside a number."""
    return re.compile(rf"(?<![\w.,]){pattern}(?![\w])", re.IGNORECASE), replace


_HALF = r"(?P<half>a\.?m\b\.?|p\.?m\b\.?)"
_RULES = (
    (re.compile(r"(?<![\w.,)])\.(?=\d)"), lambda match: "0."),
    (
        re.compile(r"(?<![\d.,])\d+(?:\.\d+){2,}(?!\w)"),
        lambda match: f" {' point '.join(map(number, match[0].split('.')))} ",
    ),
    (re.compile(rf"(?<![\w)])[-−](?=(?:{_NUMBER}))"), lambda match: "minus "),
    (
        re.compile(rf"(?P<sign>[$£€¥])\s?(?P<amount>{_NUMBER})(?:\s?(?P<scale>{SCALES})\b)?", re.IGNORECASE),
        _money,
    ),
    _rule(r"(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)", _numeric_date),
    _rule(r"(?P<month>\d\d?)/(?P<day>\d\d?)/(?P<year>\d{4})", _numeric_date),
    _rule(rf"(?P<month>{_MONTH})\s(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?:,?\s(?P<year>[12]\d{{3}}))?", _month_day),
    _rule(
        rf"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?\s(?:of\s)?(?P<month>{_MONTH})(?:,?\s(?P<year>[12]\d{{3}}))?", _day_month
    ),
    (
        re.compile(
            rf"(?<![\w.,])(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?![\w:])(?:\s?{_HALF})?", re.IGNORECASE
        ),
        _time,
    ),
    (re.compile(rf"(?<![\w.,])(?P<hour>\d\d?)\s?{_HALF}", re.IGNORECASE), _hour),
    (
        re.compile(r"(?<![\w.,/])(?:(?P<whole>\d+)\s)?(?P<top>\d\d?)/(?P<bottom>\d\d?)(?![\w/])"),
        _fraction,
    ),
    (
        re.compile(
            rf"(?<![\w.,])(?P<amount>{_NUMBER})(?:\s|-)?(?P<unit>{_UNIT})(?:\.(?=\s[a-z]))?(?!\w)", re.IGNORECASE
        ),
        _unit,
    ),
    (re.compile(r"(?<![\w.,])(\d{4})s\b"), lambda match: f"{_decade(match[1])}"),
    (
        re.compile(r"(?<![\w.,])(\d[\d,]*)(?:st|nd|rd|th)\b", re.IGNORECASE),
        lambda m: ordinal(int(m[1].replace(",", ""))),
    ),
    (re.compile(rf"({_NUMBER})\s?[-–]\s?(?=\d)"), lambda match: f"{number(match[1])} to "),
    (re.compile(_NUMBER), lambda match: f" {number(match[0])} "),
)


def _decade(text: str) -> str:
    """1990s -> nineteen nineties; 1900s -> nineteen hundreds."""
    words = year(int(text))
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"
