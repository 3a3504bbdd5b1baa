"""`hinomi contract dates`: good files become rows, of a bad one nothing is printed."""

from pathlib import Path

import pytest

from tests.commands import said as run

CONTRACTS = (
    "start,last_day,renewed_first_day,renewed_last_day,invoice_by,due,nonrenewal_notice_safe_by,"
    "nonrenewal_notice_latest,midterm_notice_on,midterm_earliest_last_day\r\n"
)
LEAP = "2024-02-29,2025-02-28,2025-03-01,2026-02-28,2024-02-29,2024-03-31,2025-01-27,2025-01-31"
APRIL = "2025-04-01,2026-03-31,2026-04-01,2027-03-31,2025-04-30,2025-05-31,2026-02-27,2026-02-28"
NOTICES = "notice_on,earliest_last_day\r\n"


@pytest.mark.article(7, 8, 9)
@pytest.mark.shared
@pytest.mark.parametrize("name", ["dates.csv", "midterm_notice.csv"])
def test_the_expected_tables_come_out_as_they_are(
    shared_folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = shared_folder / "terms" / name
    status, out, err = run(capsys, "contract", "dates", str(file))
    assert (status, err) == (0, [])
    assert out.encode() == file.read_bytes()


@pytest.mark.article(7, 8, 9)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("start\n2024-02-29\n2025-04-01\n", f"{CONTRACTS}{LEAP},,\r\n{APRIL},,\r\n"),
        ("start,midterm_notice_on\r\n2024-02-29,2024-04-09\r\n", f"{CONTRACTS}{LEAP},2024-04-09,2024-05-09\r\n"),
        ("midterm_notice_on,start\n,2024-02-29\n", f"{CONTRACTS}{LEAP},,\r\n"),
        ("start,midterm_notice_on\n2024-02-29", f"{CONTRACTS}{LEAP},,\r\n"),  # no comma, no line's end
        ("start,midterm_notice_on\n2024-02-29,", f"{CONTRACTS}{LEAP},,\r\n"),
        ("\ufeffstart\r2024-02-29\r", f"{CONTRACTS}{LEAP},,\r\n"),
        (
            '"start","お客様"\n"2024-02-29","青空""食品"", \n=1+1"\n2025-04-01,=1+1\n',
            f"{CONTRACTS}{LEAP},,\r\n{APRIL},,\r\n",
        ),
        ("start,notice_on\n2024-02-29,2025-01-30\n", f"{CONTRACTS}{LEAP},,\r\n"),
        ('customer,notice_on\n5" x,2025-01-30\n', f"{NOTICES}2025-01-30,2025-02-28\r\n"),
        ("start\n", CONTRACTS),
    ],
)
def test_good_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, expected: str) -> None:
    file = tmp_path / "contracts.csv"
    file.write_bytes(content.encode())
    assert run(capsys, "contract", "dates", str(file)) == (0, expected, [])


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        (b"start\n2024-02-29\n2025-02-29\n", ":3:1: ", "'2025-02-29' is no day; write it as YYYY-MM-DD"),
        (b"start\n20240229\n", ":2:1: ", "is no day"),
        (b"start\n2024-02-29T00:00\n", ":2:1: ", "is no day"),
        (b"start\n 2024-02-29\n", ":2:1: ", "is no day"),
        ("start\n２０２４-02-29\n".encode(), ":2:1: ", "is no day"),
        (b"start\n=1+1\n", ":2:1: ", "'=1+1' is no day"),
        (b"x,start\n1,1969-12-31\n", ":2:3: ", "its years are 1970 to 9000"),
        (b"start\n8999-12-31\n", ":2:1: ", "9001-12-30 is no day of this service"),
        (b"start,midterm_notice_on\r\n2024-02-29,soon\r\n", ":2:12: ", "'soon' is no day"),
        ("お客様,start\r\n青空,soon\r\n".encode(), ":2:4: ", "'soon' is no day"),
        (b'x,start\n"1\n2",soon\n', ":3:4: ", "'soon' is no day"),
        (b"x,start\n1,\n", ":2:3: ", "there is no 'start'; write a day as YYYY-MM-DD, or remove the row"),
        (b"x,start\n1\n", ":2:1: ", "there is no 'start'"),
        (b"start\n2024-02-29\n\n", ":3:1: ", "there is no 'start'"),
        (b'notice_on\n""\n', ":2:1: ", "there is no 'notice_on'"),
        (b"start\n2024-02-29,1\n", ":2:12: ", "is one cell more than line 1 has names; remove it"),
        (b"notice_on\n2024-02-29,\n", ":2:12: ", "is one cell more"),
        (b"begin;end\n", ":1:1: ", "names neither 'start' nor 'notice_on'; begin with a line of names between commas"),
        (b"midterm_notice_on\n", ":1:1: ", "names neither"),
        (b"", ":1:1: ", "names neither"),
        (b"start,x,start\n", ":1:9: ", "the column 'start' stands twice; remove one"),
        (b'start\n"2024-02-29\n', ":2:1: ", "is no cell of CSV; close its quotation mark, and double those inside"),
        (b'x,start\n"a"b,2024-02-29\n', ":2:1: ", "is no cell of CSV"),
        (
            "start\n2024-02-29\n青,".encode() + "青".encode("shift_jis"),
            ":3:3: ",
            "is not UTF-8; save the file as UTF-8",
        ),
        (b"#" * 1_000_001, ": ", "is larger than 1,000,000 bytes"),
    ],
)
def test_bad_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, place: str, problem: str
) -> None:
    file = tmp_path / "contracts.csv"
    file.write_bytes(content)
    status, out, err = run(capsys, "contract", "dates", str(file))
    assert (status, out, len(err)) == (2, "", 1)
    assert err[0].startswith(f"hinomi: {file}{place}")
    assert problem in err[0]


def test_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file, problem in (
        (tmp_path / "missing", "cannot be read: No such file"),
        (tmp_path, "is no file, but a folder"),
    ):
        status, out, err = run(capsys, "contract", "dates", str(file))
        assert (status, out, len(err)) == (2, "", 1)
        assert err[0].startswith(f"hinomi: {file}: {problem}")


def test_each_row_with_a_fault_is_named_up_to_a_hundred(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "contracts.csv"
    file.write_text("start\n" + "soon\n2024-02-29\n" * 3, encoding="utf-8")
    assert [line.split(":")[2] for line in run(capsys, "contract", "dates", str(file))[2]] == ["2", "4", "6"]
    file.write_text("start\n" + "soon\n" * 200, encoding="utf-8")
    status, out, err = run(capsys, "contract", "dates", str(file))
    assert (status, out, len(err)) == (2, "", 101)
    assert err[-1].endswith("the rest was not looked at")
