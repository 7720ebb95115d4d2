"""What bench/gpu.py measures, and how it keeps what it found."""
