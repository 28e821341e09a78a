"""What happens by itself: a scheduler places jobs, workers do them, the steward alone changes structure."""
