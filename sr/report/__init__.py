"""The report: runs compared in one page, with intervals, tests, costs, curves, pictures and votes."""
