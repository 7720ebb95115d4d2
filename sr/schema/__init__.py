"""JSON schemas of the configs, made from the signatures of the classes that they name, for editors: `python -m sr.schema`."""
