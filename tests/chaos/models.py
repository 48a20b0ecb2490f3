"""Whether anything that is wrong with a model disturbs who is served: python -m tests.chaos.models.

See docs/benchmarks.md.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from demo.server import serving
from tests.benchmarks import graph, processor
from tests.benchmarks.editions import Shelf, with_same_rows
from tests.benchmarks.errors import WrongAnswer
from tests.benchmarks.graph import Recipe
from tests.benchmarks.options import positive
from tests.benchmarks.places import WORK
from tests.benchmarks.processor import pinned
from tests.benchmarks.steady import Pace, steady
from tests.benchmarks.stretches import Course
from tests.chaos.cases import Case, Seen, cases
from tests.chaos.scene import Missed, Scene
from tests.keys import make_keys
from training.signature import read_signing_key

RECIPES = (Recipe("chaos", 20, 600), Recipe("chaos", 20, 600, 1), Recipe("chaos", 1_500, 600, 2))
_CONNECTIONS = 8
_DEADLINE_S = 60.0
_PATIENT = ("--max-wait-ms", "20000")  # how fast it is on a busy machine is not what is asked here
_FILE_WIDTH = 160

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one case.

    Attributes:
        name: what was done.
        text: what was seen.
        answered: requests answered OK meanwhile.
        failed: requests that were due meanwhile and were not.
        strangers: versions that answered and should not have.
        pause_ms: the longest time without a reply.
        is_missed: whether what should have happened did not.
    """

    name: str
    text: str
    answered: int
    failed: int
    strangers: tuple[int, ...]
    pause_ms: float
    is_missed: bool

    @property
    def is_good(self) -> bool:
        """Whether nobody noticed."""
        return not (self.is_missed or self.failed or self.strangers) and self.answered > 0


@dataclass(frozen=True, slots=True)
class _Happened:
    name: str
    begun_ns: int
    ended_ns: int
    seen: Seen | None
    text: str


def main() -> int:
    """Does it all and prints it; 0 when nothing disturbed anybody."""
    asked = _parse(sys.argv[1:])
    console = Console() if Console().is_terminal else Console(width=_FILE_WIDTH)

    def say(text: str) -> None:
        console.print(f"chaos-models: {text}", style="dim", markup=False, highlight=False)

    WORK.mkdir(parents=True, exist_ok=True)
    rounds = 1 if asked.quick else asked.rounds
    try:
        lines = run(cases(rounds), say, WORK, rate_hz=asked.rate, seed=asked.seed)
    except WrongAnswer as error:
        console.print(f"{type(error).__name__}: {error}", style="bold red", markup=False)
        return 1
    console.print(table(lines))
    bad = sum(not line.is_good for line in lines)
    console.print(f"{len(lines) - bad} of {len(lines)} disturbed nobody", style="bold red" if bad else "green")
    return 1 if bad else 0


def run(  # noqa: PLR0913  # keyword-only knobs
    wanted: Iterable[Case],
    say: Say,
    work: Path,
    *,
    rate_hz: float = 200,
    seed: int = 0,
    recipes: Sequence[Recipe] = RECIPES,
) -> list[Line]:
    """Every case against one server under load.

    Args:
        wanted: the cases.
        say: is told of each.
        work: where graphs, the repository and the log are.
        rate_hz: requests per second.
        seed: of random moments.
        recipes: of the scene's three bundles.

    Raises:
        WrongAnswer: the load did not begin, or a reply is not of the version that it names.
    """
    say("the models; the first time they are made, which takes a minute")
    bundles = with_same_rows([graph.made(recipe, work) for recipe in recipes])
    keys = make_keys(work, "chaos")
    shelf = Shelf(work / "chaos-run", bundles, read_signing_key(keys.private))
    log, cores = work / "chaos.log", processor.available()
    shelf.publish(1)
    with ExitStack() as stack:
        with pinned(cores.servers):
            server = stack.enter_context(serving(shelf.repository, log, *_PATIENT, "--public-key", str(keys.public)))
        server.log.wait_for("version serves", version=1)
        with pinned(cores.load), steady(server.target, bundles, _pace(rate_hz)) as going:
            scene = Scene(shelf, log, random.Random(seed))  # noqa: S311  # no secret
            happened = [_happened(case, scene, say) for case in wanted]
            seen = going.end()
    if seen.replies.mixed_count:
        raise WrongAnswer(f"{seen.replies.mixed_count} replies are mixed; the first: {seen.replies.first_fault}")
    course = Course(seen)
    return [_line(one, course) for one in happened]


def _pace(rate_hz: float) -> Pace:
    return Pace(rate_hz=rate_hz, connections=_CONNECTIONS, deadline_s=_DEADLINE_S)


def _happened(case: Case, scene: Scene, say: Say) -> _Happened:
    say(case.name)
    begun_ns = time.monotonic_ns()
    try:
        seen = case.act(scene)
    except Missed as error:
        return _Happened(case.name, begun_ns, time.monotonic_ns(), None, str(error))
    return _Happened(case.name, begun_ns, time.monotonic_ns(), seen, seen.text)


def _line(one: _Happened, course: Course) -> Line:
    span = one.begun_ns, one.ended_ns
    strangers = set(course.versions(*span)) - (one.seen.versions if one.seen else set())
    return Line(
        name=one.name,
        text=one.text,
        answered=course.answered_count(*span),
        failed=course.failed_count(*span),
        strangers=tuple(sorted(strangers)) if one.seen else (),
        pause_ms=course.longest_pause_ms(*span),
        is_missed=one.seen is None,
    )


def table(lines: Sequence[Line]) -> Table:
    """What was done and what was seen."""
    made = Table(title="Models in bad shape, under load", title_justify="left", box=box.SIMPLE)
    made.add_column("what was done", overflow="fold")
    made.add_column("what was seen", overflow="fold")
    for heading in ("answered", "failed", "longest pause"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("")
    for line in lines:
        verdict = "[green]good[/]" if line.is_good else "[bold red]bad[/]"
        strangers = f"; answered by {line.strangers}" if line.strangers else ""
        text = f"{line.text[:200]}{strangers}".replace("[", r"\[")
        made.add_row(line.name, text, f"{line.answered:,}", f"{line.failed:,}", f"{line.pause_ms:,.0f} ms", verdict)
    return made


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.models",
        description="Damages models while they are swapped, under load; docs/benchmarks.md says what and how.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one round of what happens at random moments")
    add("--rounds", type=positive, default=5, help="of what happens at random moments; default %(default)s")
    add("--rate", type=positive, default=200, help="requests per second; default %(default)s")
    add("--seed", type=int, default=0, help="of the random moments; default %(default)s")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
