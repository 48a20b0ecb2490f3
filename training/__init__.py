"""Data in, bundle out. Never imported by the server."""

import os

# OpenMP's threads otherwise spin while they wait for one another, which stalls scikit-learn's boosting where processors
# are shared: 280 s instead of 25 s for one head with a second training beside it. (measured, docs/LOG.md)
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
