"""What runs in the environment of the foreign client (requirements/oip.txt)."""
