"""Deliveries: notifications on their way to a backend. Knows nothing of the control API."""
