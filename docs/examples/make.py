"""Two models as somebody else would make them, for docs/import.md: python docs/examples/make.py FOLDER.

Writes churn.onnx, stages.onnx and visitors.csv into the folder, and the TOML files that describe the models.
"""  # noqa: INP001  # a script, no package

import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from skl2onnx import to_onnx
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

COUNT = 2000
DEVICES = np.array(["phone", "tablet", "desktop"])


def main(folder: Path) -> None:
    """Writes everything; the folder is made if it is absent."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(7)
    recency, visits = generator.uniform(0, 365, COUNT), generator.poisson(6, COUNT)
    device = generator.integers(0, 3, COUNT)
    rows = np.column_stack([recency, visits, device]).astype(np.float32)
    left = generator.uniform(size=COUNT) < 1 / (1 + np.exp(visits - recency / 60))

    churn = HistGradientBoostingClassifier(max_iter=50, random_state=0).fit(rows, left)
    # zipmap off: probabilities as a matrix, not as a list of maps
    graph = to_onnx(churn, rows[:1], options={"zipmap": False}, target_opset=18)
    (folder / "churn.onnx").write_bytes(graph.SerializeToString())

    stages = make_pipeline(StandardScaler(), KMeans(3, n_init=5, random_state=0)).fit(rows[:, :2])
    graph = to_onnx(stages, rows[:1, :2], target_opset=18)
    (folder / "stages.onnx").write_bytes(graph.SerializeToString())

    table = pa.table({"recency_days": rows[:, 0], "visits": rows[:, 1], "device": DEVICES[device]})
    pyarrow.csv.write_csv(table, folder / "visitors.csv")
    for file in Path(__file__).parent.glob("*.toml"):
        shutil.copy(file, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
