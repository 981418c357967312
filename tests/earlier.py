"""For the tests of what is left alone: a folder in which an earlier report lies, and what is in it afterwards."""

from pathlib import Path

EARLIER = b"an earlier report"
NAMES = ("reports/2017.ipynb", "reports/2017.pdf", "reports/2017.html", "figures/2017/coverage.svg", "figures/2017/coverage.csv")


def put(out: Path) -> Path:
    """The folder, with an earlier report in it."""
    for name in NAMES:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(EARLIER)
    return out


def files(out: Path) -> dict[str, bytes]:
    """Every file under a folder but logs and locks, by its path."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*"))
            if path.is_file() and path.suffix not in (".log", ".lock")}


def changed(out: Path) -> list[str]:
    """The files that are not as they were: new, gone or different."""
    now, before = files(out), dict.fromkeys(NAMES, EARLIER)
    return sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
