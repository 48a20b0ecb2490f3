"""The workers, as others see them: by the files in which each says what it does."""

from collections.abc import Sequence

from server.runtime import Runtime, Watched
from server.wish import WorkerState


class Workers:
    """Looks at the workers' files; cheap while they stay as they are.

    Args:
        runtime: the server's runtime folder.
        count: how many workers there are.
    """

    def __init__(self, runtime: Runtime, count: int) -> None:
        self._files = [Watched(runtime.state(worker)) for worker in range(count)]
        self._states: tuple[WorkerState | None, ...] = (None,) * count

    def look(self) -> Sequence[WorkerState | None]:
        """What each worker says, None for one that is not there; the same tuple as before when there is nothing new."""
        new = [worker for worker, file in enumerate(self._files) if file.look()]
        if new:
            states = list(self._states)
            for worker in new:
                content = self._files[worker].content
                states[worker] = None if content is None else WorkerState.from_json(content)
            self._states = tuple(states)
        return self._states
