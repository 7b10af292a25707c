"""Roll-ups: what devices said, by hour. They tell where to look; readings alone say what was."""
