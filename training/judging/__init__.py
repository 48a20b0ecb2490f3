"""What is known of fitted heads before anybody uses them: figures, leaks, fairness, gates and approval."""
