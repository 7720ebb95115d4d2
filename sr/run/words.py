"""Words of a command line that stand for the command line of a run."""


def expanded(words: list[str]) -> list[str]:
    """The command line that `resume=FILE` or `reproduce=RUN_DIR` among the words stands for; else the words."""
    if any(word.startswith("resume=") for word in words):
        from sr.run.resume import command_line  # not above: it imports torch
    elif any(word.startswith("reproduce=") for word in words):
        from sr.run.reproduce import command_line
    else:
        return words
    return command_line(words)
