"""Compare runs: one HTML page and a Markdown table, with intervals, tests, costs, curves, pictures and blind votes.

python report.py --help
python report.py runs=outputs/study output=outputs/study/report
"""

from sr.cli.report import main

if __name__ == "__main__":
    main()
