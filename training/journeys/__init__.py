"""Journeys: what visitors do, in which order, before they buy or leave."""
