"""Settings of the installation and of its tools; the only place that reads the environment."""
