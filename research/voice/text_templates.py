"""Sentences from templates: numbers, dates, times, money, names, places, letters and questions."""

from collections.abc import Iterator

import numpy as np

from espnet2_decodec.data.normalize_numbers import MONTHS

NAMES = (
    "Alice", "Robert", "Maria", "James", "Linda", "Michael", "Sarah", "David", "Emma", "Thomas", "Julia", "Peter",
    "Susan", "Daniel", "Anna", "George", "Laura", "Kevin", "Helen", "Brian", "Rachel", "Martin", "Nancy", "Oliver",
    "Smith", "Johnson", "Williams", "Brown", "Garcia", "Miller", "Anderson", "Taylor", "Wilson", "Moore", "Clark",
)  # fmt: skip
PLACES = (
    "London", "Paris", "Berlin", "Tokyo", "New York", "Chicago", "Boston", "Madrid", "Rome", "Sydney", "Toronto",
    "Seattle", "Dublin", "Vienna", "Moscow", "Beijing", "Cairo", "Texas", "California", "Scotland", "India", "Brazil",
)  # fmt: skip
THINGS = (
    "apples", "books", "chairs", "tickets", "people", "miles", "minutes", "pages", "letters", "windows", "children",
    "computers", "students", "boxes", "bottles", "questions", "songs", "trees", "houses", "hours",
)  # fmt: skip
TEMPLATES = (
    "{name} bought {number} {things} for {money}.", "The train to {place} leaves at {time}.",
    "Where did {name} put the {number} {things}?", "It was {number} degrees in {place} on {date}.",
    "Please call {digits} before {time}.", "How many {things} are there in {place}?",
    "On {date}, {name} moved from {place} to {place2}.", "Chapter {small} begins on page {number}.",
    "{name} and {name2} were born in {year}.", "Is it true that {name} paid {money}?",
    "The code is {letters} {digits}.", "About {percent} of the {things} came from {place}.",
    "{small}, {small2}, and {small3}.", "Hello, my name is {name}.", "Could you meet {name} at {time}, please?",
    "What a wonderful day in {place}!", "In {year}, there were {number} {things}.", "No, {name}, I said {number}!",
    "The {ordinal} answer was {decimal}, not {decimal2}.", "Turn left at {place} street number {number}.",
    "Why was the {letters} meeting moved to {date}?", "Your balance is {money}.", "Press {small} to hear {name} again.",
    "{name2} weighs {small} kilograms more than {name}.", "We waited {small} hours and {small2} minutes for the bus.",
)  # fmt: skip


def template_sentences(count: int, random: np.random.Generator) -> Iterator[str]:
    """`count` sentences."""
    for _ in range(count):
        yield str(random.choice(TEMPLATES)).format(**_values(random))


def _values(random: np.random.Generator) -> dict[str, str]:
    """A value for each field of the templates."""

    def integer(low: int, high: int) -> int:
        return int(random.integers(low, high))

    def date() -> str:
        return f"{random.choice(MONTHS)} {integer(1, 29)}"

    number = integer(2, 10 ** integer(2, 7))
    fields = {
        "number": f"{number:,}", "year": str(integer(1700, 2030)), "time": f"{integer(1, 13)}:{integer(0, 60):02d}",
        "digits": " ".join(str(integer(0, 10)) for _ in range(integer(3, 8))), "percent": f"{integer(1, 100)}%",
        "money": f"${integer(0, 500)}.{integer(1, 100):02d}", "ordinal": f"{integer(4, 20)}th",
        "letters": " ".join(random.choice(list("BCDEFGHJKLMNOPQRSTUVWXYZ"), integer(2, 5))),
        "date": f"{date()}, {integer(1800, 2030)}" if random.random() < 0.5 else date(),
        "things": str(random.choice(THINGS)), "name": str(random.choice(NAMES)), "name2": str(random.choice(NAMES)),
        "place": str(random.choice(PLACES)), "place2": str(random.choice(PLACES)),
        "decimal": f"{integer(0, 100)}.{integer(0, 1000)}", "decimal2": f"{integer(0, 20)}.{integer(0, 10)}",
    }  # fmt: skip
    return fields | {name: str(integer(0, 100)) for name in ("small", "small2", "small3")}
