import os
import subprocess
import sys

import pytest

from tests.benchmarks import floor, processor, usage
from tests.benchmarks.errors import Unavailable
from tests.benchmarks.servers import audience_flags


def test_servers_and_load_have_a_core_each() -> None:
    """With two cores or more they do not share one, whatever the cores' numbers are."""
    cores = processor.split({5, 2, 9})

    assert (cores.servers, cores.load, cores.everything) == ({2}, {5}, {2, 5, 9})
    assert cores.is_split


def test_one_core_is_shared() -> None:
    """With one core all run there, and it is known."""
    assert not processor.split({3}).is_split
    assert processor.split({3}).load == {3}


def test_pinning_ends() -> None:
    """Afterwards the thread may run where it could before."""
    before = os.sched_getaffinity(0)
    one = min(before)

    with processor.pinned({one}):
        assert os.sched_getaffinity(0) == {one}

    assert os.sched_getaffinity(0) == before


@pytest.mark.skipif(not processor.available().is_split, reason="there is one core only")
def test_shield_ends() -> None:
    """Within, whoever may be asked to is off the servers' core; afterwards all is as before."""
    cores = processor.available()
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as sleeping:
        before = os.sched_getaffinity(sleeping.pid)
        assert sleeping.pid in processor.other_threads()
        assert os.getpid() not in processor.other_threads()
        with processor.shielded(cores, [sleeping.pid, 1 << 30]) as moved:
            assert moved == 1
            assert os.sched_getaffinity(sleeping.pid) == before - cores.servers

        assert os.sched_getaffinity(sleeping.pid) == before


def test_one_core_has_no_shield() -> None:
    """Where servers and load share a core nobody can be sent elsewhere."""
    with processor.shielded(processor.split({0}), [os.getpid()]) as moved:
        assert moved == 0


def test_name_with_parentheses_does_not_shift_the_fields() -> None:
    """A process can be called anything; its figures stand where they stand."""
    ticks = os.sysconf("SC_CLK_TCK")
    stat = f"7 (a (b) c) S 41 7 7 0 -1 4194560 0 0 0 0 {3 * ticks} {ticks} 0 0 20 0 1 0 9 9 5 0 0"

    parsed = usage.parse(stat)

    assert (parsed.parent, parsed.cpu_s) == (41, 4.0)
    assert parsed.rss_bytes == 5 * os.sysconf("SC_PAGE_SIZE")


def test_family_has_this_process() -> None:
    """A living process has used memory, and is the busiest of itself."""
    members = usage.family(os.getpid())

    assert members[os.getpid()].rss_bytes > 0
    assert members[os.getpid()].parent == os.getppid()
    assert usage.cpu_s(os.getpid()) >= 0


def test_process_that_is_gone_has_no_family() -> None:
    """Process ids beyond the kernel's largest are nobody's."""
    assert usage.family(1 << 30) == {}


def test_packages_of_the_floor_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with no tools at all, everything that the build needs is named in one command."""
    monkeypatch.setenv("PATH", "")
    wanted = {"g++", "make", "pkg-config", "libgrpc++-dev", "protobuf-compiler-grpc", "libprotobuf-dev"}

    with pytest.raises(Unavailable, match="apt-get install") as raised:
        floor.build()

    assert set(str(raised.value).split()) >= wanted | {"protobuf-compiler"}


def test_server_gets_the_flags_that_it_knows() -> None:
    """A server of an earlier version is measured too, without the flags that came later."""
    assert audience_flags("--port --transport --workers", transport="inline", workers=2) == [
        "--workers",
        "2",
        "--transport",
        "inline",
    ]
    assert audience_flags("--port", transport="inline", workers=1) == []


def test_process_is_found_by_its_module() -> None:
    """By the module alone; when none of the family runs it, that is said."""
    with subprocess.Popen([sys.executable, "-m", "http.server", "-h"], stdout=subprocess.PIPE) as process:
        assert usage.running(process.pid, "http.server") == process.pid

    with pytest.raises(LookupError, match=r"no process of .* runs nothing\.at\.all"):
        usage.running(os.getpid(), "nothing.at.all")
