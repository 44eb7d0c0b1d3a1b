"""The benchmark: four designs, the same work, one run. `python -m bench --help` says how."""
