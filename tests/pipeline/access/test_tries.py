"""Who guesses waits, and nobody is locked out: by a clock that is moved by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.access import tries
from pipeline.access.tries import LONGEST_WAIT_SECONDS, TooMany, Tries, network_of
from tests.conftest import MovingClock

HOUR, STEP = 3600, 0.5
HOME, OFFICE = "192.0.2.1", "192.0.2.2"


def looked_at(made: Tries, name: str, address: str) -> bool:
    try:
        made.begin(name, address)
    except TooMany:
        return False
    return True


def guesses(addresses: int, names: int, seconds: float) -> int:
    """Return how many guesses are looked at, from so many addresses that each try in every step."""
    clock = MovingClock()
    made, found = Tries(clock), 0
    for step in range(int(seconds / STEP)):
        for number in range(addresses):
            found += looked_at(made, f"n{step % names}", f"203.0.113.{number}")
        clock.sleep(STEP)
    return found


@pytest.mark.parametrize(
    ("addresses", "names", "most"),
    [
        # Free tries, those that grow the wait, one at every longest wait of an hour, those that wait at its end.
        (1, 1, 3 + 4 + HOUR / 10 + 2),
        (1, 50, 20 + 2 + HOUR / 2 + 10),
        # 30 newcomers' tries, and then the lane of all those who have guessed.
        (10, 1, 30 + 10 + 3 + HOUR / 5 + 4),
    ],
)
def test_guesses_of_an_hour_are_few(addresses: int, names: int, most: float) -> None:
    found = guesses(addresses, names, HOUR)
    assert most * 0.9 < found <= most


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.floats(0, 8)), max_size=120),
    st.sampled_from([HOME, "2001:db8::1"]),
)
def test_a_person_gets_in_soon_whatever_others_have_guessed(
    history: list[tuple[int, int, float]], address: str
) -> None:
    """Ten addresses guess at the name in any order; the person comes from one that nobody knows."""
    clock = MovingClock()
    made = Tries(clock)
    for number, at_once, pause in history:
        for _ in range(at_once):
            looked_at(made, "sato", f"203.0.113.{number}")
        clock.sleep(pause)
    assert made.begin("sato", address) <= LONGEST_WAIT_SECONDS


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 3)), max_size=120))
def test_a_person_at_an_accustomed_address_waits_for_nobody(history: list[tuple[int, float]]) -> None:
    clock = MovingClock()
    made = Tries(clock)
    made.succeeded("sato", HOME)
    for number, pause in history:
        looked_at(made, "sato", f"203.0.{number // 250}.{number % 250}")
        clock.sleep(pause)
    assert made.begin("sato", HOME) == 0


def test_ones_own_wrong_tries_put_one_off_for_seconds() -> None:
    clock = MovingClock()
    made, waits = Tries(clock), []
    for _ in range(10):
        waits.append(made.begin("sato", HOME))
        clock.sleep(waits[-1])
    assert waits == [0, 0, 0, 1, 2, 4, 8, 10, 10, 10]
    clock.sleep(10)
    assert made.begin("sato", HOME) == 0
    made.succeeded("sato", HOME)
    assert [made.begin("sato", HOME) for _ in range(3)] == [0, 0, 0], "a success begins anew"


def test_many_at_once_are_not_looked_at_before_the_first_has_failed() -> None:
    made = Tries(MovingClock())
    assert [looked_at(made, "sato", HOME) for _ in range(50)].count(True) == 7  # after 0, 0, 0, 1, 3, 7, 15 seconds
    with pytest.raises(TooMany) as refused:
        made.begin("sato", HOME)
    assert refused.value.seconds == 5  # the next place is after 25 seconds, and nobody waits for more than 20


def test_colleagues_behind_one_address_do_not_add_up() -> None:
    made = Tries(MovingClock())
    for number in range(200):
        assert made.begin(f"n{number}", OFFICE) == 0
        made.succeeded(f"n{number}", OFFICE)


def test_it_is_forgotten_after_an_hour() -> None:
    clock = MovingClock()
    made = Tries(clock)
    for _ in range(9):
        looked_at(made, "sato", HOME)
    clock.sleep(HOUR + 120)
    assert [made.begin("sato", HOME) for _ in range(3)] == [0, 0, 0]


@pytest.mark.sweep
def test_made_up_names_and_addresses_take_a_bounded_place() -> None:
    clock = MovingClock()
    made = Tries(clock)
    for number in range(tries._MOST_ROWS):
        made.begin(f"made-up-{number}", f"2001:db8:{number // 65536:x}:{number % 65536:x}::1")
    assert len(made._rows) == tries._MOST_ROWS
    for number in range(tries._MOST_ROWS + 10):
        made.accustom(f"made-up-{number}", HOME)
    assert len(made._accustomed) == tries._MOST_ROWS


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),  # RFC 4291, 2.5.5.2
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", ""),
        ("_hidden", ""),  # RFC 7239, 6.3
        ("", ""),
    ],
)
def test_what_is_counted_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("late", [0, 0.4, 3, 9.9, 12])
def test_a_person_gets_in_beside_somebody_who_guesses_from_the_same_address(late: float) -> None:
    """The guesser asks again as soon as a try has been looked at; both wait in line."""
    clock = MovingClock()
    made = Tries(clock)
    for _ in range(20):
        clock.sleep(made.begin("sato", HOME))
    guess = made.begin("sato", HOME)
    clock.sleep(min(late, guess))
    assert made.begin("sato", HOME) <= LONGEST_WAIT_SECONDS
