"""The report: compares runs on one page, with intervals, tests, costs, curves, pictures and votes."""
