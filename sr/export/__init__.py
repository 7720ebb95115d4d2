"""Writes a trained network into a file that runs without this project, and checks the file before it is kept."""
