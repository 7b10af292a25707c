"""Roll-ups: what devices said, by hour. They tell where to look and are rebuilt at will; readings alone say what was."""
