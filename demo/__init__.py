"""The main job from records to answers, shown on one screen: python -m demo."""
