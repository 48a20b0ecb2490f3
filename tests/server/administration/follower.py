"""A repository's follower that does what a test says, and a call that a test makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import grpc

from protos.audience.v1.policy_pb2 import Policy
from server.overview import ModelStatus, Status, Traffic
from server.policy_file import PolicyFile
from server.repository import POLICY_FILE
from server.traffic import NO_LABEL, STABLE, Route

NEWEST = 2


class AbortedError(Exception):
    """The call was ended with this status."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Call:
    """What a method sees of a call: `left_s` until the caller's deadline, None without one."""

    left_s: float | None = 20.0

    def time_remaining(self) -> float | None:
        """As grpc.ServicerContext has it."""
        return self.left_s

    def abort(self, code: grpc.StatusCode, text: str) -> NoReturn:
        """As grpc.ServicerContext has it."""
        raise AbortedError(code, text)


def traffic_of(policy: Policy, route: Route | None = None) -> Traffic:
    """What is told of versions 1 and 2 where everything is as the policy says; the route, where it is another one."""
    targets = {NO_LABEL: policy.labels.get(STABLE, NEWEST), **policy.labels}
    return Traffic(
        loaded=(1, 2), route=route or Route(targets), policy=policy, bad_policy=None, is_settled=True, behind={}
    )


@dataclass
class Following:
    """Follows the policy of "shop", with versions 1, 2 and a refused 3, whenever it is asked to look.

    Attributes:
        root: the repository.
        on_look: what happens to what it sees.
        status: as a loader has it.
        now_s: what time it is; sleeping moves it.
    """

    root: Path
    on_look: Callable[[Traffic], Traffic] = lambda traffic: traffic
    found: tuple[int, ...] = (1, 2, 3)
    refused: Mapping[int, str] = field(default_factory=lambda: {3: "cut"})
    status: Status = field(default_factory=Status)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        (self.root / "shop").mkdir()
        self.look_soon()

    def look_soon(self) -> None:
        """Looks at once."""
        self.status = replace(
            self.status,
            models={"shop": ModelStatus(NEWEST, self.found, self.refused)},
            traffic={"shop": self.on_look(traffic_of(self.told()))},
            looks=self.status.looks + 1,
        )

    def told(self) -> Policy:
        """What the repository says."""
        return PolicyFile().looked_at(self.root / "shop" / POLICY_FILE).content

    def forget(self) -> None:
        """The model is not there any longer."""
        self.status = replace(self.status, models={}, traffic={})

    def read_clock(self) -> float:
        """What the time is."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Moves the clock."""
        self.now_s += seconds
