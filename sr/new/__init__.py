"""A project of one's own outside this repository: `python -m sr.new my_project` makes its folder from `template`."""
